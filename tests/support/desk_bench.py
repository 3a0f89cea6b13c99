"""A board on the simulated chip, with a person at it and a loop whose clock is a plain float."""

import select

from device.hardware.board import Board
from device.hardware.mock_chip import MockChip
from device.hardware.profile import BoardProfile
from device.hardware.simulated_desk import SimulatedDesk, resting_levels


def make_profile(**sections):
    return BoardProfile.from_mapping({"name": "bench", "driver": "mock", **sections})


class DeskBench:
    """`lag` is how late, in seconds, the loop comes to each deadline and descriptor."""

    def __init__(self, profile, lifted=False, lag=0.0):
        self.now = 0.0
        self.lag = lag
        self.chip = MockChip(lambda: self.now, resting_levels(profile, lifted))
        self.board = Board(profile, self.chip)
        self.desk = SimulatedDesk(profile, self.chip)
        self.first_events = self.board.start(self.now)

    def run(self, until):
        """Let time pass; returns what the board reported meanwhile."""
        events = self.read()
        while (deadline := self._next(until)) is not None:
            self.desk.handle_timeout(deadline)
            self.now = max(self.now, min(deadline + self.lag, until))
            self.desk.handle_timeout(self.now)
            events += self.read()
            events += self.board.handle_timeout(self.now)
            events += self.read()
        self.now = until
        return events

    def _next(self, until):
        deadlines = [self.board.next_timeout(), self.desk.next_timeout()]
        return min((at for at in deadlines if at is not None and at + self.lag <= until), default=None)

    def read(self):
        """Serve every descriptor that is readable, as the loop does."""
        events = []
        while ready := select.select(self.board.fds(), [], [], 0)[0]:
            for fd in ready:
                events += self.board.receive_ready(fd, self.now)
        return events
