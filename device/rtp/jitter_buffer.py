"""Play-out buffer for RTP packets: puts them in order, waits for late ones, and settles for the least delay that does.

Everything is in units of the RTP clock and by time stamp, so that silence, lost packets and a change of packet length
need no special case. The clock is what the caller plays: `tick` says how much, and no other clock is read. That way
a sender's crystal that runs faster or slower than the sound card's looks like slowly moving delay and is followed.
"""

from bisect import insort
from collections import deque
from math import ceil

from device.records import dataclass
from device.rtp.loss_pattern import LossFigures, LossPattern
from device.rtp.packet import TIMESTAMP_MOD, RtpPacket, signed_difference

MAX_PACKETS = 256
"""Bound on what waits, whatever a sender sends."""
WINDOW_PACKETS = 250
"""Arrivals that the delay is judged by: five seconds of 20 ms packets."""
EVALUATE_EVERY = 25
"""Arrivals between two looks at them all."""
_HISTORY_BITS = 64
_HISTORY = (1 << _HISTORY_BITS) - 1
IN_TIME_SHARE = 0.99
"""The delay is set so that this share of recent packets comes in time; concealment takes the rest."""
RESERVE_SHARE = 0.1
"""So much of the spread of those packets is waited for on top: the latest one yet is seldom the latest to come."""
STARTING_PACKETS = 50
"""So many arrivals the starting delay stays a floor, until measurement can be trusted."""
JUMP_S = 1.0
"""A time stamp this much out of line means that the sender set its clock, not that the network is late."""
LOSS_MEMORY = 1 / 256
"""Weight of one packet in the running share of lost ones: the last five seconds or so count."""
LITTLE_LOSS = 0.002
"""With more loss than this the delay stays where it began: a gap then mostly has sound on both sides of it."""
LATE_RUN = 5
"""So many packets in a row behind what was played mean the same, and so many frames in which all that comes is later
than the largest delay: a sender that was held up, and goes on with the time stamps where it stood."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing to play for `duration` units: to be concealed."""

    duration: int
    lost: bool
    """A packet is missing; otherwise the sender paused, or nothing has come yet."""
    following: RtpPacket | None = None
    """The packet after the missing ones, if it has come: it tells how the sound goes on."""
    distance: int = 0
    """Units from the start of this gap to `following`."""


@dataclass(frozen=True, slots=True)
class JitterCounters:
    """What became of the packets."""

    late: int
    duplicate: int
    discarded: int
    """Thrown away to cut a delay above the limit, or after a jump of the time stamps."""
    waiting: int
    """Packets in the buffer now."""
    delay: int
    """What the buffer adds to the quickest recent packet, in clock units."""


_HALF_ROUND = TIMESTAMP_MOD // 2

_Entry = tuple[int, int, int, RtpPacket]
"""Extended time stamp, extended sequence number, duration, and the packet itself."""


class JitterBuffer:
    """One source's packets on their way to the ear.

    `put` a packet when it arrives; before each frame `take` packets until there is enough sound for it; then
    `tick` by the frame. `excess` tells how much more than needed is waiting, to be worked off by the caller.
    """

    __slots__ = (
        "_arrivals",
        "_arrived",
        "_began",
        "_clock",
        "_delay",
        "_entries",
        "_fastest",
        "_frame",
        "_good_since",
        "_highest_sequence",
        "_highest_timestamp",
        "_in_order",
        "_late_run",
        "_loss",
        "_max",
        "_min",
        "_played_sequence",
        "_played_until",
        "_seen",
        "_slow_since",
        "_start",
        "_timestamp",
        "_too_early",
        "_too_late",
        "_unplayable",
        "_until_evaluation",
        "discarded",
        "duplicate",
        "excess",
        "late",
        "packet_units",
        "pattern",
    )

    def __init__(self, clock_rate_hz: int, start_ms: int, min_ms: int, max_ms: int) -> None:
        self._frame = clock_rate_hz // 50
        self._start = start_ms * clock_rate_hz // 1000
        self._min = min_ms * clock_rate_hz // 1000
        self._max = max(max_ms * clock_rate_hz // 1000, self._frame)
        self._too_early = -int(JUMP_S * clock_rate_hz)
        self._too_late = self._max - self._too_early
        self.late = self.duplicate = self.discarded = 0
        self.pattern = LossPattern()
        """How losses are spread; a buffer that replaces another one goes on with its pattern."""
        self._played_sequence = self._good_since = -1
        self._clock = 0
        self.packet_units = self._frame
        """What the last packet that was played lasted."""
        self._entries: deque[_Entry] = deque()
        self.reset()

    def reset(self) -> None:
        """Forget the source; what waits is thrown away. Counters stay."""
        self.discarded += len(self._entries)
        self._entries.clear()
        self._highest_sequence = -1
        self._highest_timestamp = self._timestamp = 0
        """Extended, and as the newest packet has it."""
        self._seen = self._in_order = 0
        """Bits of the last packets, the newest lowest, but for those that came in order after them."""
        self.pattern.pass_over(self._good)
        self._played_sequence = self._good_since = -1
        self._unplayable = 0
        self._played_until: int | None = None
        self._late_run = 0
        self._slow_since: int | None = None
        """By the clock: all that came from then on was later than the largest delay."""
        self._arrivals: deque[int] = deque(maxlen=WINDOW_PACKETS)
        self._arrived = 0
        self._until_evaluation = EVALUATE_EVERY
        self._began = self._clock
        self._fastest = 0
        self._delay = 0
        self._loss = 0.0
        self.excess = 0
        """Delay above what is needed, in clock units."""

    def put(self, packet: RtpPacket, duration: int) -> None:
        """A packet of audio has arrived; `duration` is what its payload plays for."""
        timestamp = self._extend_timestamp(packet.timestamp)
        newest = True
        if (packet.sequence - self._highest_sequence) & 0xFFFF == 1 and self._highest_sequence >= 0:
            # In order, as nearly all are.
            self._highest_sequence = sequence = self._highest_sequence + 1
            self._in_order += 1
        else:
            sequence = self._extend_sequence(packet.sequence)
            newest = sequence > self._highest_sequence
            if not self._mark_seen(sequence):
                self.duplicate += 1
                return
        if self._is_jump(timestamp, newest):
            self.reset()
            self.put(packet, duration)
            return
        self._note_arrival(self._clock - timestamp)
        if self._played_until is not None and timestamp < self._played_until:
            self.late += 1
            self._late_run += 1
            self._unplayable += sequence > self._played_sequence
            return
        self._late_run = 0
        entries = self._entries
        if not entries or timestamp > entries[-1][0]:
            entries.append((timestamp, sequence, duration, packet))
        else:
            insort(entries, (timestamp, sequence, duration, packet))
        if self._began == self._clock:
            self._drop_what_waited()
        if len(entries) > MAX_PACKETS:
            self._drop_first()

    def skip(self, sequence: int) -> None:
        """A packet without audio (a telephone event) came in the same sequence: it is not missing."""
        self._mark_seen(self._extend_sequence(sequence))

    def take(self, ahead: int) -> RtpPacket | Gap:
        """What comes next, when `ahead` units of sound taken earlier are still to be played before it."""
        position = self._clock + ahead - self._delay
        entries = self._entries
        if entries and (len(entries) > 1 or self._played_until is None or entries[0][0] < self._played_until):
            self._cut_delay(position)
        if not entries:
            self.excess = 0
            return Gap(self._frame, lost=False)
        timestamp, sequence, duration, packet = entries[0]
        early = timestamp - position
        if early > 0 and not (self._played_until == timestamp and early < self._frame // 2):
            return self._gap_before(sequence, early, position)
        entries.popleft()
        self.excess = -early if early < 0 else 0
        self.packet_units = duration
        self._played_until = timestamp + duration
        if sequence != self._played_sequence + 1:
            self._note_leap(sequence)
        self._played_sequence = sequence
        self._loss -= LOSS_MEMORY * self._loss
        return packet

    def tick(self, units: int) -> None:
        """So much has been played."""
        self._clock += units

    @property
    def counters(self) -> JitterCounters:
        """The figures so far."""
        delay = self._delay - self._fastest
        return JitterCounters(self.late, self.duplicate, self.discarded, len(self._entries), delay)

    def losses(self) -> LossFigures:
        """How what was not there to be played is spread over the call."""
        return self.pattern.figures(self._good)

    # What was played, and what was not

    @property
    def _good(self) -> int:
        """Packets in a row until now that were there to be played."""
        return max(0, self._played_sequence - self._good_since + 1) if self._good_since >= 0 else 0

    def _note_leap(self, sequence: int) -> None:
        """The packet that is played next does not follow upon the last one."""
        missing = self._count_missing(sequence) if self._played_sequence >= 0 else 0
        if missing or self._good_since < 0:
            if missing:
                self.pattern.note(self._good, missing)
            self._good_since = sequence

    def _count_missing(self, sequence: int) -> int:
        """How many packets between the last played and this one were not there in time; events are no packets here."""
        between = sequence - self._played_sequence - 1
        behind = self._highest_sequence - sequence + 1
        seen = 0
        if 0 < between <= _HISTORY_BITS - behind:
            seen = ((self._history() >> behind) & ((1 << between) - 1)).bit_count() - self._unplayable
        self._unplayable = 0
        return max(0, between - max(0, seen))

    # Arrival

    def _extend_sequence(self, sequence: int) -> int:
        if self._highest_sequence < 0:
            self._highest_sequence = sequence + 0x10000
        return self._highest_sequence + signed_difference(sequence, self._highest_sequence, 16)

    def _extend_timestamp(self, timestamp: int) -> int:
        if not self._arrivals:
            self._highest_timestamp = self._timestamp = timestamp
        ahead = timestamp - self._timestamp
        if not 0 <= ahead < _HALF_ROUND:
            ahead = signed_difference(timestamp, self._timestamp, 32)
            if ahead < 0:
                return self._highest_timestamp + ahead
        self._timestamp = timestamp
        self._highest_timestamp += ahead
        return self._highest_timestamp

    def _mark_seen(self, sequence: int) -> bool:
        """Note a sequence number in the bit field of the last 64; False when it is there already."""
        ahead = sequence - self._highest_sequence
        seen = self._history()
        if ahead > 0:
            self._seen = (seen << ahead | 1) & _HISTORY if ahead < _HISTORY_BITS else 1
            self._highest_sequence = sequence
            return True
        bit = 1 << -ahead if ahead > -_HISTORY_BITS else 0
        if seen & bit:
            return False
        self._seen = seen | bit
        return True

    def _history(self) -> int:
        """Which of the last packets have come, the newest in the lowest bit."""
        if self._in_order:
            shift = min(self._in_order, _HISTORY_BITS)
            self._seen = (self._seen << shift | (1 << shift) - 1) & _HISTORY
            self._in_order = 0
        return self._seen

    def _is_jump(self, timestamp: int, newest: bool) -> bool:
        """Whether this packet belongs to another time line than those before it; an old straggler does not."""
        if not self._arrivals:
            return False
        late_by = self._clock - timestamp - self._fastest
        if newest:
            if late_by <= self._max:
                self._slow_since = None
            elif late_by > self._too_late:
                return True
            elif self._slow_since is None:
                self._slow_since = self._clock
            elif self._clock - self._slow_since >= LATE_RUN * self._frame:
                return True
        return late_by < self._too_early or self._late_run >= LATE_RUN

    def _note_arrival(self, arrival: int) -> None:
        """Judge the delay by how late packets come, relative to the play-out clock.

        What lay in the socket before play-out began, while the sound card was opened, says nothing about the network:
        of those packets the newest counts.
        """
        if not self._arrivals:
            self._began = self._clock
        elif self._began == self._clock:
            if arrival > self._fastest:
                return
            self._arrivals.clear()
        is_first = not self._arrivals
        self._arrivals.append(arrival)
        self._arrived += 1
        self._until_evaluation -= 1
        if is_first or arrival < self._fastest:
            self._fastest = arrival
            self._evaluate()
        elif not self._until_evaluation or arrival > self._delay:
            self._evaluate()

    def _evaluate(self) -> None:
        """Choose the delay: in time for nearly all recent packets, within the limits."""
        self._until_evaluation = EVALUATE_EVERY
        arrivals = sorted(self._arrivals)
        self._fastest = arrivals[0]
        usual = arrivals[ceil(IN_TIME_SHARE * len(arrivals)) - 1]
        usual += int(RESERVE_SHARE * (usual - self._fastest))
        floor = self._min
        if self._arrived < STARTING_PACKETS:
            floor = self._start
        elif self._loss > LITTLE_LOSS:
            floor = max(self._min, min(self._start, self._delay - self._fastest))
        wanted = min(max(usual, self._fastest + floor), self._fastest + self._max)
        if wanted > self._delay or self._arrived < STARTING_PACKETS:
            self._delay = wanted
        elif wanted <= self._delay - self._frame // 4:
            # Down by small steps: the next storm may be near. Less than 5 ms would not be worked off.
            self._delay = max(wanted, self._delay - self._frame)

    # Play-out

    def _cut_delay(self, position: int) -> None:
        """Throw away what has waited beyond the limit, and what repeats a time stamp that has been played."""
        limit = self._fastest + self._max - self._delay + self._frame
        while len(self._entries) > 1 and position - self._entries[0][0] > limit:
            self._drop_first()
        while self._entries and self._played_until is not None and self._entries[0][0] < self._played_until:
            self._unplayable += self._entries.popleft()[1] > self._played_sequence
            self.discarded += 1

    def _drop_what_waited(self) -> None:
        """Throw away what would only delay the beginning: all that is older than the delay to begin with."""
        position = self._clock - self._delay
        while len(self._entries) > 1 and self._entries[0][0] + self._entries[0][2] <= position:
            self._drop_first()

    def _drop_first(self) -> None:
        self.discarded += 1
        timestamp, sequence, duration, _ = self._entries.popleft()
        self._played_until = timestamp + duration
        if self._played_sequence >= 0 and self._began != self._clock:
            self.pattern.note(self._good, 1 + self._count_missing(sequence))
        self._good_since = sequence + 1  # what is dropped before play-out has begun is missing to nobody
        self._played_sequence = sequence

    def _gap_before(self, sequence: int, early: int, position: int) -> Gap:
        """The first packet is not due yet: lost ones before it, a pause, or more delay being built up."""
        self.excess = 0
        until = self._played_until
        if until is None:
            return Gap(min(early, self._frame), lost=False)
        if position < until:
            return Gap(min(until - position, self._frame), lost=False)
        duration = min(early, self._frame)
        lost = self._is_missing_before(sequence)
        if not lost:
            return Gap(duration, lost=False)
        self._loss += LOSS_MEMORY
        self._played_until = position + duration  # what is concealed now comes too late from here on
        return Gap(duration, lost=True, following=self._entries[0][3], distance=early)

    def _is_missing_before(self, sequence: int) -> bool:
        """Whether a packet between the last played and this one has not come."""
        if self._played_sequence < 0:
            return False
        between = sequence - self._played_sequence - 1
        behind = self._highest_sequence - sequence + 1
        if not 0 < between <= _HISTORY_BITS - behind:
            return between > 0
        return (self._history() >> behind) & ((1 << between) - 1) != (1 << between) - 1
