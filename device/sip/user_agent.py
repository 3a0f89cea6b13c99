"""The user agent core (RFC 3261 section 8): finds the dialog, call or registration that a message belongs to."""

from collections import deque
from collections.abc import Callable

from device.ids import IdSource
from device.model import Account, AccountId, CallId, Credential
from device.sip.events import SipEvent
from device.sip.settings import UserAgentSettings

LocalAddress = Callable[[str, str], tuple[str, int]]
"""From transport ("UDP", "TCP") and destination host to our own (host, port) as that destination sees it."""


class UserAgent:
    """The calls and registrations of all accounts of this phone; a `TransactionUser` of `SipEndpoint`.

    Every method may queue events (`next_event`) and messages (in the transaction layer).
    A method that a call's state does not allow raises `SipStateError`; a call that has ended is no error.
    """

    def __init__(self, settings: UserAgentSettings, ids: IdSource, local_address: LocalAddress) -> None:
        self._settings = settings
        self._ids = ids
        self._local_address = local_address
        self._events: deque[SipEvent] = deque()

    def add_account(self, account: Account, credential: Credential | None) -> None:
        """Make an account usable, or replace it; it does not register yet."""

    def remove_account(self, account_id: AccountId, now: float) -> None:
        """Forget an account; its calls end and its registration is taken back."""

    def start_registration(self, account_id: AccountId, now: float) -> None:
        """Register now and keep registered for ever; `RegistrationChanged` tells each step."""

    def stop_registration(self, account_id: AccountId, now: float) -> None:
        """Take the registration back (Expires: 0); UNREGISTERED follows within `unregister_timeout_s`."""

    def network_changed(self, now: float) -> None:
        """Our addresses changed or the link came back: every account registers again at once."""

    def invite(self, call_id: CallId, target: str, offer: bytes, account_id: AccountId | None, now: float) -> None:
        """Call `target`: "1002", "sip:x@y" or "10.0.0.5". `offer` is SDP; empty lets the other side offer."""

    def ring(self, call_id: CallId, now: float) -> None:
        """Send 180 for an incoming call."""

    def answer(self, call_id: CallId, sdp: bytes, now: float) -> None:
        """Send 200 for an incoming call, with our answer, or our offer where theirs was empty."""

    def reject(self, call_id: CallId, status: int, now: float) -> None:
        """Refuse an incoming call with `status` 300 to 699: 486 busy, 603 decline, 480 unavailable, 488 no codec."""

    def hang_up(self, call_id: CallId, now: float) -> None:
        """End the call by whatever its state needs: CANCEL, BYE or 603. `CallEnded` follows at once."""

    def reoffer(self, call_id: CallId, sdp: bytes, now: float) -> None:
        """Send a re-INVITE with our new offer: hold, resume, another codec. Waits while another one is under way."""

    def accept_offer(self, call_id: CallId, sdp: bytes, now: float) -> None:
        """Answer `OfferReceived`."""

    def refuse_offer(self, call_id: CallId, status: int, now: float) -> None:
        """Refuse `OfferReceived`, usually with 488; the session goes on as it was."""

    def handle_timeout(self, now: float) -> None:
        """Do all that is due at `now`."""

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return None

    def next_event(self) -> SipEvent | None:
        """The oldest event not yet taken."""
        return self._events.popleft() if self._events else None
