"""An output line that remembers what it was set to, and can be made to fail."""

from device.hardware.errors import LineError


class RecordingLine:
    def __init__(self):
        self.states = []
        self.fails = False
        self.closed = False

    def set(self, active):
        if self.fails:
            raise LineError("the chip is gone")
        self.states.append(active)

    def active(self):
        return bool(self.states) and self.states[-1]

    def close(self):
        self.closed = True
