"""What users publish of themselves (RFC 3903): the event state compositor, in memory, since it is soft state."""

from device.annotations import Final
from device.ids import IdSource
from device.records import dataclass
from device.sip.incoming_request import Refusal
from device.sip.message import Request
from device.sip.timers import DeadlineHeap

DEFAULT_EXPIRES_S: Final = 3600
SHORTEST_EXPIRES_S: Final = 60
LONGEST_EXPIRES_S: Final = 3600
MAX_OF_USER: Final = 10
"""Publications of one user for one package, as from several phones; a further one is refused."""
MAX_BODY: Final = 16_384

_Name = tuple[str, str, str]
"""User, package and entity tag."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A publication stands, or with 0 seconds is taken away; `is_news` says whether watchers are to be told."""

    tag: str
    expires_s: int
    is_news: bool


class Publications:
    """Event state by user and package; each publication has an entity tag that changes with every request."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids
        self._bodies: dict[tuple[str, str], dict[str, bytes]] = {}
        """By user and package: the bodies by entity tag, the one that changed last at the end."""
        self._ends: DeadlineHeap[_Name] = DeadlineHeap()

    def latest(self, user: str, package: str) -> bytes | None:
        """What was published last and still holds; None without."""
        bodies = self._bodies.get((user, package))
        return next(reversed(bodies.values())) if bodies else None

    def receive(self, user: str, package: str, request: Request, content_type: str, now: float) -> Refusal | Granted:
        """Take a PUBLISH of a proved user (section 6): the whole request takes effect or nothing of it."""
        bodies = self._bodies.get((user, package), {})
        tags = request.headers.get_all("SIP-If-Match")
        if len(tags) > 1:
            return Refusal(400, reason="More than one SIP-If-Match")
        tag = tags[0] if tags else None
        if tag is not None and tag not in bodies:
            return Refusal(412)
        expires_s = DEFAULT_EXPIRES_S if request.expires is None else request.expires
        if 0 < expires_s < SHORTEST_EXPIRES_S:
            return Refusal(423, (("Min-Expires", str(SHORTEST_EXPIRES_S)),))
        refusal = self._body_fault(request, tag, content_type, len(bodies))
        if refusal is not None:
            return refusal
        expires_s = min(expires_s, LONGEST_EXPIRES_S)
        body = request.body or bodies.get(tag or "", b"")
        is_news = bool(request.body) or expires_s == 0
        if tag is not None:
            self._drop((user, package, tag))
        granted = Granted(self._ids.tag(), expires_s, is_news)
        if expires_s:
            self._keep((user, package, granted.tag), body, request.body != b"", now + expires_s)
        return granted

    def _body_fault(self, request: Request, tag: str | None, content_type: str, count: int) -> Refusal | None:
        """A first publication has a body of the package's type; a refresh and a removal need none."""
        if not request.body:
            return Refusal(400) if tag is None else None
        if request.content_type != content_type:
            return Refusal(415, (("Accept", content_type),))
        if len(request.body) > MAX_BODY:
            return Refusal(413)
        return Refusal(403) if tag is None and count >= MAX_OF_USER else None

    def _keep(self, name: _Name, body: bytes, is_newest: bool, ends_at: float) -> None:
        user, package, tag = name
        bodies = self._bodies.setdefault((user, package), {})
        if is_newest:
            bodies[tag] = body
        else:
            # A refresh says nothing new: what others have published since stays the latest.
            self._bodies[user, package] = {tag: body, **bodies}
        self._ends.set(name, ends_at)

    def _drop(self, name: _Name) -> None:
        user, package, tag = name
        self._ends.cancel(name)
        bodies = self._bodies.get((user, package), {})
        bodies.pop(tag, None)
        if not bodies:
            self._bodies.pop((user, package), None)

    def forget_user(self, user: str) -> None:
        """A user is removed, and what that user has published."""
        for known, package in [key for key in self._bodies if key[0] == user]:
            for tag in list(self._bodies.get((known, package), ())):
                self._drop((known, package, tag))

    def next_timeout(self) -> float | None:
        """When `expire` is next wanted."""
        return self._ends.next_timeout()

    def expire(self, now: float) -> set[tuple[str, str]]:
        """Forget what is over; answers the users and packages that lost something by it."""
        over = self._ends.pop_due(now)
        for name in over:
            self._drop(name)
        return {(user, package) for user, package, _ in over}
