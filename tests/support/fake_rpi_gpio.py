"""A stand-in for the module `RPi.GPIO`: the calls, values and errors of the real one, and strict in the same places.

`FakeRpiGpio()` is what `import RPi.GPIO` would give; `drive` moves a pin from outside and runs the callbacks.
"""


class LgpioError(Exception):
    """What rpi-lgpio lets through from below."""


class FakeRpiGpio:
    BOARD, BCM = 10, 11
    OUT, IN = 0, 1
    LOW, HIGH = 0, 1
    PUD_OFF, PUD_DOWN, PUD_UP = 20, 21, 22
    RISING, FALLING, BOTH = 31, 32, 33

    def __init__(self, mode=None):
        self._mode = mode
        self._directions = {}
        self._pulls = {}
        self._outside = {}
        self._outputs = {}
        self._callbacks = {}
        self.busy = set()
        self.edges_fail = False
        self.permitted = True
        self.history = []
        self.tones = {}

    # The module.

    def setwarnings(self, value):
        assert value in (True, False)

    def getmode(self):
        return self._mode

    def setmode(self, mode):
        if self._mode not in (None, mode):
            raise ValueError("A different mode has already been set!")
        self._mode = mode

    def setup(self, channel, direction, pull_up_down=PUD_OFF, initial=None):
        self._check_channel(channel)
        if channel in self.busy:
            raise LgpioError("'GPIO busy'")
        if not self.permitted:
            raise RuntimeError("No access to /dev/mem.  Try running as root!")
        if direction == self.OUT:
            if pull_up_down != self.PUD_OFF:
                raise ValueError("pull_up_down parameter is not valid for outputs")
            assert channel not in self._callbacks
            self._directions[channel] = self.OUT
            self._write(channel, bool(initial))
        else:
            if initial is not None:
                raise ValueError("initial parameter is not valid for inputs")
            assert direction == self.IN
            self._directions[channel] = self.IN
            self._outputs.pop(channel, None)
            self._pulls[channel] = pull_up_down
            self.history.append((channel, None))

    def input(self, channel):
        self._check_channel(channel)
        if channel not in self._directions:
            raise RuntimeError("You must setup() the GPIO channel first")
        return int(self.level(channel))

    def output(self, channel, value):
        self._check_channel(channel)
        if self._directions.get(channel) != self.OUT:
            raise RuntimeError("The GPIO channel has not been set up as an OUTPUT")
        self._write(channel, bool(value))

    def add_event_detect(self, channel, edge, callback=None):
        self._check_channel(channel)
        if self._directions.get(channel) != self.IN:
            raise RuntimeError("You must setup() the GPIO channel as an input first")
        assert edge == self.BOTH
        assert callback is None or callable(callback)
        if self.edges_fail:
            raise RuntimeError("Failed to add edge detection")
        if channel in self._callbacks:
            raise RuntimeError("Conflicting edge detection already enabled for this GPIO channel")
        self._callbacks[channel] = callback

    def add_event_callback(self, channel, callback):
        assert self._callbacks[channel] is None
        self._callbacks[channel] = callback

    def remove_event_detect(self, channel):
        self._check_channel(channel)
        self._callbacks.pop(channel, None)

    def cleanup(self, channel):
        self._check_channel(channel)
        self._directions.pop(channel, None)
        self._outputs.pop(channel, None)
        self._callbacks.pop(channel, None)

    def PWM(self, channel, frequency):  # noqa: N802  # the name of the real one
        if self._directions.get(channel) != self.OUT:
            raise RuntimeError("You must setup() the GPIO channel as an output first")
        return FakePulses(self, channel, frequency)

    # The world.

    def level(self, channel):
        if channel in self._outputs:
            return self._outputs[channel]
        return self._outside.get(channel, self._pulls.get(channel) == self.PUD_UP)

    def drive(self, channel, level, seen=None):
        """Move a pin; `seen` is the level that a late callback finds, where it is another one already."""
        before = self.level(channel)
        self._outside[channel] = level
        if before != level and self._callbacks.get(channel) is not None:
            if seen is not None:
                self._outside[channel] = seen
            self._callbacks[channel](channel)
            self._outside[channel] = level

    def run_callback(self, channel):
        """An edge came by another way than `drive`."""
        self._callbacks[channel](channel)

    def in_use(self):
        return set(self._directions)

    def _write(self, channel, level):
        self._outputs[channel] = level
        self.history.append((channel, level))

    def _check_channel(self, channel):
        if self._mode is None:
            raise RuntimeError("Please set pin numbering mode using GPIO.setmode(GPIO.BOARD) or GPIO.setmode(GPIO.BCM)")
        if not 0 <= channel <= 27:
            raise ValueError("The channel sent is invalid on a Raspberry Pi")


class FakePulses:
    """What `PWM` gives; the fake's `tones` has its frequency while it runs."""

    def __init__(self, gpio, channel, frequency):
        self._gpio, self._channel, self._frequency = gpio, channel, frequency

    def start(self, duty):
        assert duty == 50
        self._gpio.tones[self._channel] = self._frequency

    def ChangeFrequency(self, frequency):  # noqa: N802  # the name of the real one
        self._frequency = frequency
        if self._channel in self._gpio.tones:
            self._gpio.tones[self._channel] = frequency

    def stop(self):
        self._gpio.tones.pop(self._channel, None)


class FakeRpiLgpio(FakeRpiGpio):
    """rpi-lgpio: the same calls, and beneath them `lgpio`, whose reports know level and date."""

    def __init__(self, mode=None):
        super().__init__(mode)
        self.lgpio = FakeLgpio()
        self._chip = self.lgpio.HANDLE

    def remove_event_detect(self, channel):
        assert channel not in self.lgpio.reports, "lgpio would go on calling"
        super().remove_event_detect(channel)


class FakeLgpio:
    """The part of `lgpio` that tells of edges; `reports` has who is told, by line."""

    HANDLE = 7

    def __init__(self):
        self.reports = {}

    def callback(self, handle, gpio, edge=0, func=None):
        assert (handle, edge) == (self.HANDLE, 0)
        self.reports[gpio] = func
        return FakeReports(self, gpio)

    def tell(self, gpio, level, date_s):
        """What its thread would say, perhaps late; a line that nobody asked for is told to nobody."""
        if gpio in self.reports:
            self.reports[gpio](self.HANDLE, gpio, level, round(date_s * 1e9))


class FakeReports:
    """What `lgpio.callback` gives."""

    def __init__(self, lgpio, gpio):
        self._lgpio, self._line = lgpio, gpio

    def cancel(self):
        del self._lgpio.reports[self._line]
