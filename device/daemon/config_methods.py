"""Committing a configuration as a whole: settings and accounts, all of it or nothing, with a history to go back to.

Loaded when a console changes something. What must be confirmed lies in the store, so that a phone that was cut off by
its new configuration, or lost its power meanwhile, comes back with the old one.
"""

from collections.abc import Callable, Mapping

from device import plain_logging as logging
from device.annotations import Any, Protocol, TypeVar
from device.control.errors import FAILED, INVALID_PARAMS, REFUSED, ControlError
from device.daemon.account_fields import Params, all_faults
from device.daemon.account_methods import credential_of
from device.daemon.configuration_plan import (
    Plan,
    Snapshot,
    account_changes,
    differences,
    parse_snapshot,
    plan_changes,
    setting_changes,
)
from device.daemon.settings_methods import SettingsMethods, masked
from device.errors import DeviceError
from device.model import Account, AccountId, Credential
from device.records import asdict
from device.store.accounts import Accounts
from device.store.config_history import Commit, ConfigHistory
from device.store.database import Database
from device.store.settings import Settings

logger = logging.getLogger(__name__)

LONGEST_CONFIRM_S = 24 * 3600
LONGEST_COMMENT = 200
OUTSIDE = "changed outside a commit"
"""Comment of a state that came about by the command line or a file."""
NOT_CONFIRMED = "taken back: it was not confirmed"

Value = TypeVar("Value")


class Followers(Protocol):
    """Whatever runs by the configuration; a store alone has nothing that runs."""

    def check_account(self, account: Account) -> None:
        """Raises DeviceError for an account that cannot be used."""

    def settings_changed(self, changes: Mapping[str, str | None]) -> list[str]:
        """Follow settings; answers those that wait for a restart."""

    def account_changed(self, before: Account | None, account_id: AccountId) -> None:
        """Follow an account that was added, changed or removed in the store."""

    def publish(self, topic: str, params: dict[str, object]) -> None:
        """Tell whoever looks on."""


class ConfigMethods:
    """The methods config.*; a participant of the loop while a commit waits to be confirmed."""

    def __init__(
        self,
        database: Database,
        settings: SettingsMethods,
        followers: Followers | None,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._settings = settings
        self._followers = followers
        self._clock = clock
        self._wall_clock = wall_clock
        self._accounts = Accounts(database)
        self._history = ConfigHistory(database)
        self._confirm_until: float | None = None

    def table(self) -> dict[str, Callable[[Params], object]]:
        """Every method by its name."""
        return {
            "config.changes": self.changes,
            "config.commit": self.commit,
            "config.confirm": self.confirm,
            "config.history": self.history,
        }

    def history(self, _params: Params) -> dict[str, object]:
        """The commits, newest first."""
        pending = self._history.pending()
        left = None if self._confirm_until is None else round(max(0.0, self._confirm_until - self._clock()))
        return {
            "commits": [asdict(commit) for commit in self._history.commits()],
            "unconfirmed": pending[0] if pending is not None else None,
            "confirm_within_s": left,
        }

    def changes(self, params: Params) -> dict[str, object]:
        """What a commit of these changes would change, and everything that would keep it from being made."""
        plan, running = self._plan(params)
        found = differences(running, plan)
        for change in found:
            for side in ("before", "after"):
                value = change[side]
                change[side] = None if value is None else masked(str(change["key"]), value)
        return {"changes": found, "faults": plan.faults}

    def commit(self, params: Params) -> dict[str, object]:
        """Make the changes, all of them or none. Raises ControlError with every fault."""
        comment, author = str(params.get("comment") or ""), str(params.get("author") or "somebody")
        confirm_s = params.get("confirm_s")
        if len(comment) > LONGEST_COMMENT or not comment.isprintable():
            raise ControlError(INVALID_PARAMS, f"comment: give one line of at most {LONGEST_COMMENT} characters")
        if confirm_s is not None:
            self._check_confirmation(confirm_s)
        plan, running = self._plan(params)
        if plan.faults:
            raise all_faults(plan.faults)
        if not differences(running, plan):
            return {"number": 0, "changed": [], "restart": [], "registering": []}
        self._refuse_conflicts(params.get("since"), running, plan)
        commit = Commit(0, self._wall_clock(), author, comment)
        number, restart, accounts = self._apply(running, plan, commit, confirm_s is not None)
        changed = [str(change["key"]) for change in differences(running, plan)]
        self._confirm_until = None if confirm_s is None else self._clock() + confirm_s
        self._publish("committed", commit, number, changed)
        return {"number": number, "changed": changed, "restart": sorted(restart), "registering": accounts}

    def confirm(self, params: Params) -> dict[str, object]:
        """Keep the last commit for good; answers its number, 0 when none waits."""
        pending = self._history.pending()
        if pending is None:
            return {"number": 0}
        with self._database.transaction():
            self._history.clear_pending()
        self._confirm_until = None
        commit = Commit(0, self._wall_clock(), str(params.get("author") or "somebody"), "")
        self._publish("confirmed", commit, pending[0], [])
        return {"number": pending[0]}

    def pump(self, now: float) -> float | None:
        """Take back what was not confirmed in time; answers when that is due."""
        if self._confirm_until is not None and now >= self._confirm_until:
            self._confirm_until = None
            try:
                self.take_back()
            except DeviceError as error:
                logger.error("the commit that was not confirmed could not be taken back: %s", error)
        return self._confirm_until

    def take_back(self) -> int:
        """Bring back what held before the commit that waits to be confirmed; answers its number, 0 without one."""
        pending = self._history.pending()
        if pending is None:
            return 0
        number, content = pending
        before, running = parse_snapshot(content), self._running()
        plan = Plan(before, {}, [])
        commit = Commit(0, self._wall_clock(), "offhook", f"commit {number} {NOT_CONFIRMED}")
        self._apply(running, plan, commit, confirm=False, credentials=before.credentials)
        logger.warning("commit %d was %s", number, NOT_CONFIRMED)
        changed = [str(change["key"]) for change in differences(running, plan)]
        self._publish("taken-back", commit, number, changed)
        return number

    # Planning.

    def _running(self, with_secrets: bool = False) -> Snapshot:
        accounts = {str(account.id): account for account in self._accounts.list()}
        credentials: dict[str, Credential] = {}
        if with_secrets:
            for name, account in accounts.items():
                credential = self._accounts.credential(account.id)
                if credential is not None:
                    credentials[name] = credential
        return Snapshot(Settings(self._database).get_all(), accounts, credentials)

    def _plan(self, params: Params) -> tuple[Plan, Snapshot]:
        running = self._running()
        number = params.get("from")
        base = running if number is None else parse_snapshot(self._history.content(int(number)))
        plan = plan_changes(base, params.get("settings") or {}, params.get("accounts") or {})
        faults = plan.faults + self._settings.faults(setting_changes(running.settings, plan.target.settings))
        faults += self._settings.faults_of_masks(params.get("settings") or {})
        for account in account_changes(running.accounts, plan.target.accounts).values():
            if account is not None and self._followers is not None and not faults:
                try:
                    self._followers.check_account(account)
                except DeviceError as error:
                    faults.append(f"account.{account.id}: {error}")
        return Plan(plan.target, plan.secrets, list(dict.fromkeys(faults))), running

    def _check_confirmation(self, seconds: object) -> None:
        if not isinstance(seconds, int) or not 1 <= seconds <= LONGEST_CONFIRM_S:
            raise ControlError(INVALID_PARAMS, f"confirm_s: {seconds!r} is no number from 1 to {LONGEST_CONFIRM_S}")
        if self._followers is None:
            raise ControlError(REFUSED, "the phone is down and could not take anything back: commit without confirm")

    def _refuse_conflicts(self, since: object, running: Snapshot, plan: Plan) -> None:
        """What somebody else has committed meanwhile is not overwritten unseen."""
        newest = self._history.newest()
        if not isinstance(since, int) or since >= newest or since == 0:
            return
        try:
            known = parse_snapshot(self._history.content(since))
        except DeviceError:
            known = Snapshot()
        theirs = {str(change["key"]) for change in differences(known, Plan(running, {}, []))}
        both = sorted(theirs.intersection(str(change["key"]) for change in differences(running, plan)))
        if both:
            author = self._history.commits()[0].author
            text = f"meanwhile {author} has changed {', '.join(both)}: `show changes` compares, `commit` again goes on"
            raise ControlError(FAILED, text, {"newest": newest})

    # Doing.

    def _apply(
        self,
        running: Snapshot,
        plan: Plan,
        commit: Commit,
        confirm: bool,
        credentials: Mapping[str, Credential] | None = None,
    ) -> tuple[int, list[str], list[str]]:
        """Write everything in one transaction, then let everybody follow. Raises DeviceError: nothing has changed."""
        settings = setting_changes(running.settings, plan.target.settings)
        accounts = account_changes(running.accounts, plan.target.accounts)
        for name in plan.secrets:
            accounts.setdefault(name, plan.target.accounts[name])
        for name, credential in (credentials or {}).items():
            if self._accounts.credential(AccountId(name)) != credential:
                accounts.setdefault(name, plan.target.accounts[name])
        before = self._running(with_secrets=confirm)
        with self._database.transaction():
            self._keep_what_came_from_outside(running)
            Settings(self._database).set_many(settings)
            for name, account in accounts.items():
                self._store_account(AccountId(name), account, plan, credentials)
            number = self._history.add(commit, self._running().encode())
            self._history.clear_pending()
            if confirm:
                self._history.set_pending(number, before.encode(with_secrets=True))
        if self._followers is None:
            return number, list(settings), []
        for name in accounts:
            self._followers.account_changed(running.accounts.get(name), AccountId(name))
        restart = self._followers.settings_changed(settings) if settings else []
        return number, restart, [name for name, account in accounts.items() if account is not None]

    def _store_account(
        self,
        account_id: AccountId,
        account: Account | None,
        plan: Plan,
        credentials: Mapping[str, Credential] | None,
    ) -> None:
        if account is None:
            self._accounts.remove(account_id)
            return
        credential = credential_of(account, plan.secrets.get(account_id, {})) or (credentials or {}).get(account_id)
        if self._accounts.get(account_id) is None:
            self._accounts.add(account, credential)
        else:
            self._accounts.update(account, credential)

    def _keep_what_came_from_outside(self, running: Snapshot) -> None:
        """The state before a commit can be gone back to, however it came about."""
        newest, content = self._history.newest(), running.encode()
        if not newest or self._history.content(newest) != content:
            self._history.add(Commit(0, self._wall_clock(), "-", OUTSIDE), content)

    def _publish(self, event: str, commit: Commit, number: int, changed: list[str]) -> None:
        logger.info("configuration: commit %d %s by %s: %s", number, event, commit.author, ", ".join(changed) or "-")
        if self._followers is not None:
            said: dict[str, Any] = {"event": event, "number": number, "author": commit.author}
            self._followers.publish("config", {**said, "comment": commit.comment, "changed": changed})
