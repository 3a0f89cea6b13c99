"""DNS tried out by a technician: what the registration of an account needs, looked up afresh, each step told.

Loaded with the first test. A participant of the loop from then on.
"""

from collections import deque
from collections.abc import Callable

from device.annotations import NamedTuple
from device.control.errors import INVALID_PARAMS, REFUSED, ControlError
from device.daemon.account_fields import Params
from device.daemon.accounts import AccountTable
from device.errors import DeviceError
from device.model import AccountId
from device.net.dns_trial import DnsStep, DnsTrial, servers_asked
from device.net.resolver import Resolver
from device.records import asdict
from device.sip.hop import Hop, NextHop
from device.sip.target import next_hop_of
from device.sip.uri import parse_uri

MAX_WAITING = 32
"""Targets that wait to be looked up, of all that test at once."""


class _Target(NamedTuple):
    test: int
    place: int
    next_hop: NextHop


class DnsTests:
    """The method test.dns; one target is looked up after the other, so that their steps do not mix."""

    def __init__(
        self, resolver: Resolver, accounts: AccountTable, publish: Callable[[str, dict[str, object]], None]
    ) -> None:
        self._resolver = resolver
        self._accounts = accounts
        self._publish = publish
        self._waiting: deque[_Target] = deque()
        self._trial: DnsTrial | None = None
        self._tests = 0

    def begin(self, params: Params) -> dict[str, object]:
        """Begin with one target, or with every account that registers; raises ControlError."""
        targets = self._targets(str(params.get("name") or ""))
        if len(self._waiting) + len(targets) > MAX_WAITING:
            raise ControlError(REFUSED, f"{len(self._waiting)} look-ups wait already: try again in a minute")
        self._tests += 1
        answers = []
        for place, (name, hop) in enumerate(targets):
            address = hop.literal_hop()
            answers.append(
                {
                    "name": name,
                    "account": self._accounts.get(AccountId(name)) is not None,
                    "host": hop.host,
                    "port": hop.port or 0,
                    "transport": hop.transport or "",
                    "address": address is not None,
                }
            )
            if address is None:
                self._waiting.append(_Target(self._tests, place, hop))
        told_by = "settings" if self._resolver.is_told_servers else "system"
        return {"test": self._tests, "targets": answers, "servers": servers_asked(self._resolver), "told_by": told_by}

    def pump(self, now: float) -> float | None:
        """Go on with the target at hand, or with the next one."""
        if self._trial is not None:
            self._trial.handle_timeout(now)
        while self._trial is None and self._waiting:
            self._start(self._waiting.popleft())
        return self._trial.next_timeout() if self._trial is not None else None

    def _start(self, target: _Target) -> None:
        where: dict[str, object] = {"test": target.test, "target": target.place}

        def tell(step: DnsStep) -> None:
            self._publish("dns", {**where, **asdict(step)})

        def finish(hops: list[Hop]) -> None:
            trial, self._trial = self._trial, None
            if trial is not None:
                trial.close()
            self._publish("dns", {**where, "hops": [str(hop) for hop in hops]})

        self._trial = DnsTrial(self._resolver, target.next_hop, tell, finish)
        self._trial.begin()

    def _targets(self, name: str) -> list[tuple[str, NextHop]]:
        try:
            if not name:
                chosen = [
                    item.account for item in self._accounts.statuses() if item.account.enabled and item.account.register
                ]
                if not chosen:
                    raise ControlError(REFUSED, "no account registers: name a host or a SIP address instead")
                return [(str(account.id), self._accounts.registrar_hop(account.id)) for account in chosen]
            if self._accounts.get(AccountId(name)) is not None:
                return [(name, self._accounts.registrar_hop(AccountId(name)))]
            return [(name, next_hop_of(parse_uri(name if name.startswith(("sip:", "sips:")) else f"sip:{name}")))]
        except ControlError:
            raise
        except DeviceError as error:
            raise ControlError(INVALID_PARAMS, f"name: {error}; give an account, a host or a SIP address") from error
