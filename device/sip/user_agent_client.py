"""The user agent client (RFC 3261 section 8.1): requests on their way, through challenges, to whoever sent them."""

from collections.abc import Callable

from device.annotations import Final, Protocol
from device.sip.core import Core
from device.sip.events import RealmLearnt
from device.sip.headers import CSeq
from device.sip.hop import Hop, NextHop
from device.sip.identity import Identity
from device.sip.message import Request, Response
from device.sip.transaction import ClientKey

MAX_CHALLENGES: Final = 4
"""How many 401 and 407 one request may meet: a proxy's, a server's, and each one's stale nonce."""


class RequestOwner(Protocol):
    """Who wants to know what became of a request."""

    def receive_response(self, sent: "SentRequest", response: Response, now: float) -> None:
        """A provisional or final response; several 2xx may come to an INVITE."""

    def receive_failure(self, sent: "SentRequest", status: int, text: str, now: float) -> None:
        """No response came: 408 for silence, 503 for a broken transport (section 8.1.3.1)."""


class SentRequest:
    """A request until its final response, whatever number of transactions that takes."""

    __slots__ = (
        "cancelled",
        "challenges",
        "identity",
        "key",
        "next_cseq",
        "next_hop",
        "note",
        "owner",
        "request",
        "settled",
        "source",
    )

    def __init__(
        self,
        request: Request,
        next_hop: NextHop,
        identity: Identity,
        owner: RequestOwner | None,
        next_cseq: Callable[[], int],
    ) -> None:
        self.request = request
        self.next_hop = next_hop
        self.identity = identity
        self.owner = owner
        self.next_cseq = next_cseq
        self.challenges = 0
        self.cancelled = False
        self.settled = False
        """Whether a final response or a failure has been passed on."""
        self.source: Hop | None = None
        """Where the last response came from."""
        self.note = ""
        """What is odd about the 2xx, in words."""
        self.key: ClientKey


class UserAgentClient:
    """Sends requests and finds the owner of each response."""

    __slots__ = ("_core", "_sent")

    def __init__(self, core: Core) -> None:
        self._core = core
        self._sent: dict[ClientKey, SentRequest] = {}

    def __len__(self) -> int:
        return len(self._sent)

    @property
    def is_settled(self) -> bool:
        """Whether no request waits for a final answer."""
        return all(sent.settled for sent in self._sent.values())

    def send(
        self,
        request: Request,
        next_hop: NextHop,
        identity: Identity,
        owner: RequestOwner | None,
        next_cseq: Callable[[], int],
        now: float,
    ) -> SentRequest:
        """Send a request, with credentials where the server has asked for them before.

        `next_cseq` gives the sequence number of a repetition with credentials. Without `owner` nobody is told.
        """
        self._core.sign(request)
        if identity.auth is not None:
            request = identity.auth.authorize(request)
        sent = SentRequest(request, identity.vouched(next_hop), identity, owner, next_cseq)
        self._start(sent, now)
        return sent

    def _start(self, sent: SentRequest, now: float) -> None:
        identity, preferred, alternative = sent.identity, None, None
        if sent.request.method != "REGISTER":
            preferred, alternative = identity.home_hop, identity.stand_in(sent.next_hop)
        sent.key = self._core.layer.send_request(
            sent.request.copy(), sent.next_hop, now, preferred=preferred, alternative=alternative
        )
        self._sent[sent.key] = sent

    def cancel(self, sent: SentRequest, now: float, reason: str = "") -> None:
        """Cancel an INVITE; the layer holds the CANCEL until a provisional response has come (section 9.1)."""
        sent.cancelled = True
        self._core.layer.cancel(sent.key, now, reason)

    def abandon(self, sent: SentRequest, now: float) -> None:
        """Nobody waits for the answer any more, and the request is repeated no more."""
        sent.settled = True
        self._core.layer.abandon(sent.key, now)

    def receive_response(self, key: ClientKey, response: Response, source: Hop, now: float) -> None:
        """Pass a response on, or answer its challenge."""
        sent = self._sent.get(key)
        if sent is None or (sent.settled and response.status >= 300):
            return
        sent.source = source
        if sent.request.method == "REGISTER":
            sent.identity.add_server(source.host)
        if response.status in (401, 407) and self._answer_challenge(sent, response, now):
            return
        if 200 <= response.status < 300:
            self._note_success(sent, response)
        sent.settled = sent.settled or response.status >= 200
        if sent.owner is not None:
            sent.owner.receive_response(sent, response, now)

    def receive_failure(self, key: ClientKey, status: int, text: str, now: float) -> None:
        """The transaction ended without a final response."""
        sent = self._sent.get(key)
        if sent is None or sent.settled:
            return
        sent.settled = True
        if sent.owner is not None:
            sent.owner.receive_failure(sent, status, text, now)

    def forget(self, key: ClientKey) -> None:
        """The transaction is over."""
        self._sent.pop(key, None)

    def _answer_challenge(self, sent: SentRequest, response: Response, now: float) -> bool:
        identity = sent.identity
        if identity.auth is None or sent.cancelled or sent.challenges >= MAX_CHALLENGES:
            return False
        sent.challenges += 1
        repeated = identity.auth.challenge_received(response, sent.request)
        if repeated is None:
            return False
        self._tell_realms(identity)
        repeated.headers.set("CSeq", str(CSeq(sent.next_cseq(), repeated.method)))
        sent.request = repeated
        del self._sent[sent.key]
        self._start(sent, now)
        return True

    def _note_success(self, sent: SentRequest, response: Response) -> None:
        auth = sent.identity.auth
        if sent.request.method == "REGISTER":
            layer = self._core.layer
            sent.identity.settle_at(layer.hop_of(sent.key), layer.hops_of(sent.key))
        if auth is not None and auth.accepted(response, sent.request):
            # A new password may have been taken at once, with a nonce of before: then no challenge told its realm.
            self._tell_realms(sent.identity)
            auth.drop_password(sent.request)
        elif auth is not None:
            sent.note = "the server's proof that it knows the password is wrong"

    def _tell_realms(self, identity: Identity) -> None:
        sealed = identity.auth.seal_realms() if identity.auth is not None else ()
        for credential in sealed:
            if identity.account_id is not None:
                self._core.emit(RealmLearnt(identity.account_id, credential))
