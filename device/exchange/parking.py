"""Parking: a call that is sent to a slot waits there with music, and whoever dials the slot takes it (RFC 5359 2.15).

Who waits hears the music service; a second call to the slot goes to the one who waits, and takes the music's place
(RFC 3891). So only phones that know Replaces can be parked.
"""

from device.exchange.call_watch import CallWatch, WatchedCall
from device.exchange.replacing import knows_replaces, replacing
from device.exchange.response_context import Target
from device.exchange.trunks import Refusal
from device.sip.message import Request
from device.sip.refer import Replaces


class ParkingLot:
    """The slots; who waits in each is what the watch over the calls says."""

    def __init__(self, slots: tuple[str, ...], calls: CallWatch) -> None:
        self._slots = frozenset(slots)
        self._calls = calls

    def is_slot(self, number: str) -> bool:
        """Whether a number is one of a slot."""
        return number in self._slots

    def way(self, request: Request, slot: str, music: Target | None) -> Target | Refusal:
        """Where a call to a slot goes: into it where it is free, else to who waits there."""
        parked = self._parked(slot)
        if parked is None:
            if music is None:
                return Refusal(480, "There is no music to wait with")
            return Target(music.uri, music.hop, headers=music.headers, user=slot)
        contacts = parked.invite.contacts
        if not knows_replaces(parked.invite) or not contacts:
            return Refusal(486, "Who waits there cannot be taken")
        caller_tag, music_tag = parked.invite.from_.tag or "0", parked.answered_tag or "0"
        replaces = Replaces(parked.invite.call_id, caller_tag, music_tag)
        return replacing(contacts[0].uri, parked.source, replaces, parked.caller)

    def _parked(self, slot: str) -> WatchedCall | None:
        """The call that waits in a slot, the one that has waited longest where a race has let two in."""
        return next((call for call in self._calls.calls_of(slot) if call.answered_tag is not None), None)
