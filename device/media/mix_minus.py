"""Several people in one talk: each hears the sum of all the others, and never itself. Pure, one frame at a time."""

from collections.abc import Mapping

from device.annotations import Generic, TypeVar
from device.media import pcm
from device.media.limiter import RELEASE_DB_A_SECOND
from device.media.stream_parameters import FRAME_MS

Member = TypeVar("Member")


class MixMinus(Generic[Member]):
    """The sum of any number of sounds for each of their sources, without its own.

    Sums are taken in 32 bits, so that leaving one voice out again leaves nothing of it behind. What would be above full
    scale is weakened, not distorted, for those alone for whom it is too loud.
    """

    def __init__(self) -> None:
        self._gains: dict[Member, float] = {}
        """Of the members for whom the sum was too loud lately."""
        self._release = pcm.amplitude(RELEASE_DB_A_SECOND * FRAME_MS / 1000)

    def mix(self, frames: Mapping[Member, bytes]) -> dict[Member, bytes]:
        """What the source of each frame hears: all the other frames. Frames are 20 ms long and equal in length."""
        if len(frames) < 3:
            return self._of_two(list(frames.items()))
        wide = {member: pcm.widen(frame) for member, frame in frames.items()}
        total = b""
        for one in wide.values():
            total = pcm.add_wide(total, one) if total else one
        heard = {member: pcm.add_wide(total, own, -1) for member, own in wide.items()}
        return {member: pcm.narrow(others, self._gain(member, others)) for member, others in heard.items()}

    def forget(self, member: Member) -> None:
        """A member has left."""
        self._gains.pop(member, None)

    @staticmethod
    def _of_two(pairs: list[tuple[Member, bytes]]) -> dict[Member, bytes]:
        """Two hear each other as they are, one alone hears silence."""
        if len(pairs) < 2:
            return {member: bytes(len(frame)) for member, frame in pairs}
        (first, said), (second, answered) = pairs
        return {first: answered, second: said}

    def _gain(self, member: Member, others: bytes) -> float:
        before = self._gains.get(member, 1.0)
        peak = pcm.wide_peak(others)
        gain = min(1.0, before * self._release, 1.0 / peak if peak > 1.0 else 1.0)
        if gain < 1.0:
            self._gains[member] = gain
        elif before < 1.0:
            del self._gains[member]
        return gain
