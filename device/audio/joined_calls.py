"""Calls whose far ends hear each other besides this phone: a talk of three. Each period `put` comes before `others`."""

from device.media.mix_minus import MixMinus
from device.model import CallId


class JoinedCalls:
    """What the far ends say, for each without its own."""

    def __init__(self) -> None:
        self._mixer: MixMinus[CallId] = MixMinus()
        self._members: set[CallId] = set()
        self._frames: dict[CallId, bytes] = {}
        self._mixed: dict[CallId, bytes] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nobody is left who could hear another."""
        return len(self._members) < 2

    def enter(self, call_id: CallId) -> None:
        """One call more."""
        self._members.add(call_id)

    def leave(self, call_id: CallId) -> None:
        """One call less."""
        self._members.discard(call_id)
        self._frames.pop(call_id, None)
        self._mixer.forget(call_id)
        self._mixed = None

    def put(self, call_id: CallId, frame: bytes) -> None:
        """What a far end says in this period."""
        self._frames[call_id] = frame
        self._mixed = None

    def others(self, call_id: CallId) -> bytes:
        """What all the other far ends say in it."""
        if self._mixed is None:
            self._mixed = self._mixer.mix(self._frames)
        return self._mixed.get(call_id, b"")
