"""The user agent server (RFC 3261 section 8.2): whom a request means, and what answers it if not a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING, ClassVar, Final
from device.model import AccountId, CallId
from device.records import dataclass
from device.sip.call_table import CallTable
from device.sip.core import ACCEPT, SDP, Core, sdp_of
from device.sip.dialog import Dialog
from device.sip.hop import Hop
from device.sip.identity import Identity
from device.sip.incoming_request import Refusal, find_content_fault, find_fault
from device.sip.message import Request, Response
from device.sip.session_inputs import ByeReceived, InviteReceived
from device.sip.transaction import ServerKey
from device.sip.uri import Uri
from device.sip.user_agent_client import UserAgentClient

if TYPE_CHECKING:
    from device.sip.features import Features
    from device.sip.invite_session import InviteSession

_log = logging.getLogger(__name__)

LINGERING_LIMIT: Final = 4
"""Calls that have ended but whose last messages are under way count up to so many times `max_calls`."""
OVERLOAD_RETRY_AFTER_S: Final = 5
FEATURE_METHODS: Final = frozenset(("MESSAGE", "NOTIFY", "REFER", "SUBSCRIBE"))
"""Methods that mean something outside dialogs besides INVITE and OPTIONS."""


@dataclass(frozen=True, slots=True)
class InDialogRequest:
    """A request in order within the dialog of a call."""

    session: InviteSession
    dialog: Dialog
    key: ServerKey
    request: Request
    source: Hop


InDialogReceiver = Callable[["UserAgentServer", InDialogRequest, float], None]

MergeId = tuple[str, str, int, str]
"""From tag, Call-ID and CSeq of a request outside dialogs."""


class UserAgentServer:
    """Answers requests, or gives them to the call that they belong to; an INVITE for us makes a new one.

    `nobody` is whom a call to our bare address is for; `features` loads the rooms of what few phones are ever asked.
    """

    __slots__ = (
        "_calls",
        "_client",
        "_core",
        "_features",
        "_identities",
        "_incoming_count",
        "_merge_ids",
        "_nobody",
        "_open",
    )

    def __init__(
        self,
        core: Core,
        client: UserAgentClient,
        calls: CallTable,
        identities: Mapping[AccountId, Identity],
        nobody: Identity,
        features: Callable[[], Features],
    ) -> None:
        self._core = core
        self._client = client
        self._calls = calls
        self._identities = identities
        self._nobody = nobody
        self._features = features
        self._merge_ids: dict[ServerKey, MergeId] = {}
        self._open: set[MergeId] = set()
        self._incoming_count = 0

    def __len__(self) -> int:
        """How many transactions of requests outside dialogs are not over."""
        return len(self._merge_ids)

    def forget(self, key: ServerKey) -> None:
        """The transaction is over."""
        merge_id = self._merge_ids.pop(key, None)
        if merge_id is not None:
            self._open.discard(merge_id)

    def receive_request(self, key: ServerKey, request: Request, source: Hop, now: float) -> None:
        """Any request but ACK and CANCEL."""
        refusal = find_fault(request, source.transport)
        if refusal is not None:
            self._refuse(key, request, refusal, now)
        elif request.to.tag:
            self._receive_in_dialog(key, request, source, now)
        else:
            self._receive_outside_dialog(key, request, source, now)

    def receive_ack(self, ack: Request, now: float) -> None:
        """An ACK for a 2xx; one that belongs to nothing is dropped."""
        found = self._calls.find(ack)
        if found is not None:
            found[0].receive_ack(ack, sdp_of(ack), now)

    def receive_cancel(self, key: ServerKey, invite_key: ServerKey | None, request: Request, now: float) -> None:
        """200 when there is such an INVITE, whatever became of it, 481 when there is none (section 9.2)."""
        if invite_key is None:
            self._refuse(key, request, Refusal(481), now)
            return
        session = self._calls.find_invite(invite_key)
        tag = session.local_tag if session is not None else None
        self._core.respond(key, request.response(200, to_tag=tag or self._core.ids.tag()), now)
        if session is not None:
            session.receive_cancel(invite_key, request.headers.get_all("Reason"), now)

    def _refuse(self, key: ServerKey, request: Request, refusal: Refusal, now: float) -> None:
        _log.debug("%s refused: %d", request.method, refusal.status)
        self._core.respond(key, refusal.response(request, self._core.ids.tag()), now)

    def _receive_in_dialog(self, key: ServerKey, request: Request, source: Hop, now: float) -> None:
        found = self._calls.find(request)
        if found is None:
            if not self._receive_in_subscription(key, request, source, now):
                self._refuse(key, request, Refusal(481), now)
            return
        session, dialog = found
        fault = find_content_fault(request)
        if fault is not None:
            self._refuse(key, request, fault, now)
        elif not dialog.is_in_order(request):
            self._refuse(key, request, Refusal(500, reason="Out of order"), now)
        else:
            if request.method in ("INVITE", "UPDATE") and not session.has_ended:
                self._note_party(session, dialog, request, source)
            self.IN_DIALOG.get(request.method, UserAgentServer._confirm)(
                self, InDialogRequest(session, dialog, key, request, source), now
            )

    @staticmethod
    def _note_party(session: InviteSession, dialog: Dialog, request: Request, source: Hop) -> None:
        """See whether the other party is still the same (RFC 4916)."""
        index, told = request.headers.index, request.from_
        said = "P-Asserted-Identity" in index or "Remote-Party-ID" in index
        if not said and (told.uri, told.display_name) == (dialog.remote.uri, dialog.remote.display_name):
            return
        from device.sip.connected_identity import note_party  # noqa: PLC0415  # most parties stay who they are

        identity = session.identity
        trusted = identity.account is not None and source.host in identity.servers
        note_party(session.usage, dialog, request, trusted=trusted)

    def _receive_in_subscription(self, key: ServerKey, request: Request, source: Hop, now: float) -> bool:
        """A request in a dialog that no call has: it may be that of a subscription."""
        if request.method not in ("NOTIFY", "SUBSCRIBE"):
            return False
        return self._features().receive_in_dialog(key, request, source, now)

    def _receive_event(self, happened: InDialogRequest, now: float) -> None:
        """A NOTIFY or SUBSCRIBE in the dialog of a call: a usage beside the call (RFC 5057)."""
        if not self._receive_in_subscription(happened.key, happened.request, happened.source, now):
            self._refuse(happened.key, happened.request, Refusal(481), now)

    def _receive_feature(self, happened: InDialogRequest, now: float) -> None:
        self._features().receive_in_call(
            happened.key, happened.request, happened.source, happened.session, happened.dialog, now
        )

    def _confirm(self, happened: InDialogRequest, now: float) -> None:
        """A request in a call that asks for nothing but its 200."""
        self._core.respond(happened.key, happened.request.response(200), now)

    def _receive_bye(self, happened: InDialogRequest, now: float) -> None:
        happened.session.receive(ByeReceived(happened.key, happened.request), now)

    def _receive_reinvite(self, happened: InDialogRequest, now: float) -> None:
        happened.session.receive(InviteReceived(happened.key, happened.request, happened.source), now)

    def _receive_options(self, happened: InDialogRequest, now: float) -> None:
        self._core.respond(happened.key, self._capabilities(happened.request), now)

    def _receive_prack(self, happened: InDialogRequest, now: float) -> None:
        from device.sip.offer_inputs import PrackReceived  # noqa: PLC0415  # loaded with the calls

        happened.session.receive(PrackReceived(happened.key, happened.request, happened.source), now)

    def _receive_update(self, happened: InDialogRequest, now: float) -> None:
        from device.sip.offer_inputs import UpdateReceived  # noqa: PLC0415  # loaded with the calls

        happened.session.receive(UpdateReceived(happened.key, happened.request, happened.source), now)

    IN_DIALOG: ClassVar[Mapping[str, InDialogReceiver]] = {
        "BYE": _receive_bye,
        "INVITE": _receive_reinvite,
        "OPTIONS": _receive_options,
        "PRACK": _receive_prack,
        "UPDATE": _receive_update,
        "INFO": _receive_feature,
        "MESSAGE": _receive_feature,
        "REFER": _receive_feature,
        "NOTIFY": _receive_event,
        "SUBSCRIBE": _receive_event,
    }
    """What becomes of a request within a call's dialog, by its method; others that are served get 200."""

    def _receive_outside_dialog(self, key: ServerKey, request: Request, source: Hop, now: float) -> None:
        merge_id = (request.from_.tag or "", request.call_id, request.cseq.number, request.method)
        if merge_id in self._open:
            # The same request by another way, a fork of a proxy (section 8.2.2.2).
            self._refuse(key, request, Refusal(482), now)
            return
        self._open.add(merge_id)
        self._merge_ids[key] = merge_id
        if request.method not in ("INVITE", "OPTIONS") and request.method not in FEATURE_METHODS:
            self._refuse(key, request, Refusal(481), now)
            return
        called = self._called_identity(request, source)
        if isinstance(called, Refusal):
            self._refuse(key, request, called, now)
            return
        fault = find_content_fault(request)
        if fault is not None:
            self._refuse(key, request, fault, now)
        elif request.method in FEATURE_METHODS:
            self._features().receive_outside_dialog(key, request, source, called, now)
        elif request.method == "OPTIONS":
            self._answer_options(key, request, now)
        else:
            self._receive_invite(called, InviteReceived(key, request, source), now)

    def _receive_invite(self, called: Identity, invite: InviteReceived, now: float) -> None:
        """A call for us: one more, or with Replaces one in the place of another (RFC 3891 section 3)."""
        replaced: CallId | Refusal | None = None
        if "Replaces" in invite.request.headers:
            from device.sip.replacement import find_replaced  # noqa: PLC0415  # few calls have it

            replaced = find_replaced(invite.request, self._calls)
        refusal = replaced if isinstance(replaced, Refusal) else self._overload() if replaced is None else None
        if refusal is not None:
            self._refuse(invite.key, invite.request, refusal, now)
        else:
            self._take_call(called, invite, replaced if isinstance(replaced, str) else None, now)

    def _take_call(self, identity: Identity, invite: InviteReceived, replaces: CallId | None, now: float) -> None:
        # The rooms of calls are loaded with the first call: a phone that only waits is 0.4 MB smaller.
        from device.sip.callee_session import CalleeSession  # noqa: PLC0415
        from device.sip.invite_usage import InviteUsage  # noqa: PLC0415

        self._incoming_count += 1
        call_id = CallId(f"in-{self._incoming_count}")
        dialog = Dialog.of_request(invite.request, self._core.ids.tag(), invite.source)
        usage = InviteUsage(self._core, self._client, identity, call_id, dialog)
        if usage.is_too_brief(invite.request):
            usage.refuse_brief(invite.key, invite.request, now)
            return
        session = CalleeSession(usage, invite, replaces)
        self._calls.add(session)
        session.start(now)

    def _called_identity(self, request: Request, source: Hop) -> Identity | Refusal:
        """Whom of us a request means, by the user part of its Request-URI; or why nobody may be disturbed."""
        settings = self._core.settings
        identities = [one for one in self._identities.values() if one.is_enabled]
        if settings.trusted_sources_only and not any(source.host in one.servers for one in identities):
            return Refusal(403)
        user = request.uri.user
        gruu = next((one for one in identities if one.owns(request.uri)), None)
        if gruu is not None:
            return gruu
        named = [one for one in identities if one.user == user] or _of_number(request.uri, identities)
        if named:
            # Two servers may know us by the same user part: then the one that the request comes from is meant.
            by_source = [one for one in named if source.host in one.servers]
            by_domain = [one for one in named if one.is_home(request.to.uri)]
            return (by_source or by_domain or named)[0]
        if settings.accept_ip_calls and request.uri.is_sip and user in ("", settings.ip_call_user):
            return self._nobody
        return Refusal(404)

    def _overload(self) -> Refusal | None:
        limit = self._core.settings.max_calls
        if self._calls.active_count >= limit:
            return Refusal(486)
        if len(self._calls) >= LINGERING_LIMIT * limit:
            return Refusal(503, (("Retry-After", str(OVERLOAD_RETRY_AFTER_S)),))
        return None

    def _answer_options(self, key: ServerKey, request: Request, now: float) -> None:
        """The status that an INVITE would get, and what we can (section 11.2)."""
        owner = self._core.owner
        refusal = self._overload()
        status = owner.availability() if owner is not None else 200
        if refusal is None and status == 200:
            self._core.respond(key, self._capabilities(request), now)
            return
        # A refusal says what we can as well.
        response = self._capabilities(request, refusal.status if refusal is not None else status)
        for name, value in refusal.headers if refusal is not None else ():
            response.headers.add(name, value)
        self._core.respond(key, response, now)

    def _capabilities(self, request: Request, status: int = 200) -> Response:
        """The answer to OPTIONS, with a session description where the other side takes one (section 11.2)."""
        response = request.response(status, to_tag=self._core.ids.tag())
        self._core.add_capabilities(response)
        for name, value in (
            ("Accept", ACCEPT),
            ("Accept-Encoding", "identity"),
            ("Accept-Language", "en"),
            ("Allow-Events", self._core.allow_events),
            # No info package is taken (RFC 6086 section 5.2.3).
            ("Recv-Info", ""),
        ):
            response.headers.add(name, value)
        owner = self._core.owner
        if status == 200 and owner is not None and _takes_sdp(request):
            self._core.add_body(response, owner.capabilities())
        return response


def _of_number(uri: Uri, identities: list[Identity]) -> list[Identity]:
    """Those of us whose telephone number a tel URI, or a SIP URI with user=phone, calls (RFC 3261 section 19.1.6)."""
    if uri.scheme != "tel" and not uri.has_param("user"):
        return []
    from device.sip.tel_uri import called_number, is_same_number  # noqa: PLC0415  # as in `_take_call`

    number = called_number(uri)
    return [one for one in identities if number is not None and is_same_number(number, one.user)]


def _takes_sdp(request: Request) -> bool:
    """Whether Accept permits a session description; without the header it does (section 20.1)."""
    accepted = [token.lower() for token in request.tokens("Accept")]
    return not request.headers.get_all("Accept") or not {SDP, "application/*", "*/*"}.isdisjoint(accepted)
