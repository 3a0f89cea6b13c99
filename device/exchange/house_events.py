"""What users of the house may know of each other: who is on the telephone, who can be reached, who has messages."""

from collections.abc import Callable

from device.exchange.call_watch import CallWatch
from device.exchange.event_bodies import DIALOG_INFO, MESSAGE_SUMMARY, PIDF, dialog_info, message_summary, presence
from device.exchange.house_agent import HouseAgent
from device.exchange.publications import Publications
from device.exchange.seal import Seal
from device.exchange.watchers import Arrived, EventPackage, Watchers
from device.model import Aor
from device.sip.headers import NameAddr
from device.sip.incoming_request import Refusal
from device.sip.message import Request
from device.sip.subscription import parse_event
from device.timing import earliest

DIALOG, PRESENCE, SUMMARY = "dialog", "presence", "message-summary"

MessageCounts = Callable[[str], tuple[int, int]]
"""From user to the number of new and of old voice messages."""


class HouseEvents:
    """Watchers, publications and calls of one domain, put together."""

    def __init__(
        self,
        agent: HouseAgent,
        domain: str,
        seal: Seal,
        user_of: Callable[[NameAddr], str],
        is_reachable: Callable[[str, float], bool],
    ) -> None:
        self._agent = agent
        self._domain = domain
        self._seal = seal
        self._is_reachable = is_reachable
        self._now = 0.0
        self.calls = CallWatch(user_of, self._calls_changed)
        self.publications = Publications(agent.core.ids)
        self.watchers = Watchers(agent)
        self.message_counts: MessageCounts = lambda _user: (0, 0)
        """May be set by whoever keeps voice messages; `messages_changed` tells of news."""
        self.calls_followed: Callable[[float], None] = lambda _now: None
        """Told of every change of a call."""
        self.message_account = ""
        """The number that plays voice messages; empty for none."""
        self.watchers.add_package(EventPackage(DIALOG, DIALOG_INFO, self._dialog_info, _everybody))
        self.watchers.add_package(EventPackage(PRESENCE, PIDF, self._presence, _everybody))
        self.watchers.add_package(EventPackage(SUMMARY, MESSAGE_SUMMARY, self._summary, _oneself))

    # Requests.

    def takes(self, request: Request) -> bool:
        """Whether a request of a user is answered here: SUBSCRIBE and PUBLISH for our packages."""
        if request.method == "PUBLISH":
            return request.to.tag is None and self.watchers.serves(request)
        return request.method == "SUBSCRIBE" and (self.watchers.knows(request) or self.watchers.serves(request))

    def receive(self, arrived: Arrived, now: float) -> None:
        """Answer a request that `takes` has taken."""
        self._now = now
        if arrived.request.method == "SUBSCRIBE":
            self.watchers.receive(arrived, now)
        else:
            self._publish(arrived, now)

    def _publish(self, arrived: Arrived, now: float) -> None:
        request, core = arrived.request, self._agent.core
        package = parse_event(request.headers.get("Event")).package
        if package != PRESENCE:
            refusal: Refusal | None = Refusal(489, (("Allow-Events", PRESENCE),))
        elif arrived.resource != arrived.user:
            refusal = Refusal(403, reason="Not your presence")
        else:
            outcome = self.publications.receive(arrived.user, package, request, PIDF, now)
            refusal = outcome if isinstance(outcome, Refusal) else None
            if not isinstance(outcome, Refusal):
                response = request.response(200, to_tag=core.ids.tag())
                response.headers.add("SIP-ETag", outcome.tag)
                response.headers.add("Expires", str(outcome.expires_s))
                core.respond(arrived.key, response, now)
                if outcome.is_news:
                    self.watchers.changed(PRESENCE, arrived.user, now)
        if refusal is not None:
            core.respond(arrived.key, refusal.response(request, core.ids.tag()), now)

    # What has changed.

    def _calls_changed(self, users: set[str], now: float) -> None:
        self._now = now
        for user in sorted(users):
            self.watchers.changed(DIALOG, user, now)
            self.watchers.changed(PRESENCE, user, now)
        self.calls_followed(now)

    def registrations_changed(self, user: str, now: float) -> None:
        """A user has come or gone."""
        self._now = now
        self.watchers.changed(PRESENCE, user, now)

    def messages_changed(self, user: str, now: float) -> None:
        """A user has other voice messages than before."""
        self.watchers.changed(SUMMARY, user, now)

    def forget_user(self, user: str, now: float) -> None:
        """A user is removed."""
        self.publications.forget_user(user)
        self.watchers.end(user, now)

    # Documents.

    def _entity(self, user: str) -> str:
        return str(Aor(user, self._domain))

    def _dialog_info(self, user: str, version: int) -> bytes:
        return dialog_info(self._entity(user), version, self.calls.dialogs_of(user), self._seal)

    def _presence(self, user: str, _version: int) -> bytes:
        """What the user has published stands as it is; else what the exchange knows."""
        published = self.publications.latest(user, PRESENCE)
        if published is not None:
            return published
        return presence(self._entity(user), self._is_reachable(user, self._now), self.calls.is_busy(user))

    def _summary(self, user: str, _version: int) -> bytes:
        account = self._entity(self.message_account) if self.message_account else ""
        return message_summary(account, *self.message_counts(user))

    # Time.

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return earliest(self.calls.next_timeout(), self.publications.next_timeout(), self.watchers.next_timeout())

    def handle_timeout(self, now: float) -> None:
        """Do all that is due at `now`."""
        self._now = now
        self.calls.handle_timeout(now)
        for user, package in sorted(self.publications.expire(now)):
            self.watchers.changed(package, user, now)
        self.watchers.handle_timeout(now)


def _everybody(_watched: str, _watching: str) -> bool:
    return True


def _oneself(watched: str, watching: str) -> bool:
    return watched == watching
