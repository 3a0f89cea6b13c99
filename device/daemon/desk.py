"""The board in the loop: descriptors to desk events, commands to devices, and the simulated desk where there is one."""

from collections.abc import Callable

from device.control.errors import REFUSED, ControlError
from device.desk_events import DeskEvent
from device.hardware.board import Board, BoardProfile
from device.hardware.errors import HardwareError
from device.hardware.mock_chip import MockChip
from device.hardware.settings import HardwareSettings
from device.hardware.simulated_desk import SimulatedDesk
from device.net.interfaces import Reactor
from device.records import asdict
from device.timing import earliest

LAMP_MODES = {"blink": "slow-blink"}
"""The board's word for a lamp state of the phone, where the two differ."""


def load_profile(hardware: HardwareSettings) -> BoardProfile:
    """The board profile of the settings with all that they change in it. Raises ProfileError."""
    return hardware.apply(BoardProfile.load(hardware.board))


class Desk:
    """A board, watched by the loop; on a simulated one a person's hands can be moved by the control socket."""

    def __init__(
        self,
        board: Board,
        simulated: SimulatedDesk | None,
        chip: MockChip | None,
        reactor: Reactor,
        post: Callable[[DeskEvent], None],
        line_changed: Callable[[str, bool, float], None],
    ) -> None:
        self._board = board
        self._simulated = simulated
        self._chip = chip
        self._reactor = reactor
        self._post = post
        self._watched: set[int] = set()
        board.on_line_changed = lambda change: line_changed(change.name, change.active, change.at)

    def start(self, now: float) -> None:
        """Read every input once and watch their lines."""
        for event in self._board.start(now):
            self._post(event)
        self._watch()

    def _watch(self) -> None:
        """Watch the descriptors that there are now: a line that failed is gone from them."""
        fds = set(self._board.fds())
        for fd in self._watched - fds:
            self._reactor.remove_reader(fd)
        for fd in fds - self._watched:
            self._reactor.add_reader(fd, self._reading(fd))
        self._watched = fds

    def _reading(self, fd: int) -> Callable[[], None]:
        def read() -> None:
            for event in self._board.receive_ready(fd, self._reactor.now()):
                self._post(event)
            self._watch()

        return read

    def handle_timeout(self, now: float) -> None:
        """Blink, ring, scan and move the simulated hands as far as `now`."""
        if self._simulated is not None:
            self._simulated.handle_timeout(now)
        for event in self._board.handle_timeout(now):
            self._post(event)
        self._watch()

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        simulated = self._simulated.next_timeout() if self._simulated is not None else None
        return earliest(self._board.next_timeout(), simulated)

    def start_ringer(self, pattern: str, now: float) -> None:
        """Ring in a named cadence; "default" is the profile's own."""
        self._board.ringer.start(pattern, now)

    def stop_ringer(self) -> None:
        """Silence the bell."""
        self._board.ringer.stop()

    def show_lamp(self, name: str, mode: str, now: float) -> None:
        """Set a lamp to one of the phone's lamp states."""
        self._board.lamp(name).show(LAMP_MODES.get(mode, mode), now)

    def pulse_relay(self, name: str, seconds: float, now: float) -> None:
        """Close a relay for so many seconds."""
        self._board.relay(name).pulse(seconds, now)

    def snapshot(self) -> dict[str, object]:
        """The state of every device and line."""
        return asdict(self._board.snapshot())

    def lift(self, now: float) -> dict[str, object]:
        """A person lifts the simulated handset."""
        return self._move(lambda hands, _: hands.lift(now), now)

    def replace(self, now: float) -> dict[str, object]:
        """A person puts the simulated handset back."""
        return self._move(lambda hands, _: hands.replace(now), now)

    def press(self, digits: str, now: float) -> dict[str, object]:
        """A person dials digits on the simulated keypad or rotary dial, one after the other."""
        return self._move(lambda hands, _: hands.dial(digits, now), now)

    def drive(self, line: str, active: bool, now: float) -> dict[str, object]:
        """Something outside makes one simulated input line active or not, whatever level that is."""
        return self._move(lambda _, chip: chip.hold(line, active, now), now)

    def _move(self, act: Callable[[SimulatedDesk, MockChip], object], now: float) -> dict[str, object]:
        """Move the simulated board; raises ControlError on a real one, and for what the board does not have."""
        if self._simulated is None or self._chip is None:
            raise ControlError(
                REFUSED, "this phone has a real board: use your hands, or start offhook with hardware.board=simulated"
            )
        try:
            act(self._simulated, self._chip)
        except HardwareError as error:
            raise ControlError(REFUSED, str(error)) from error
        return {"at": now}

    def close(self) -> None:
        """Safe state; give all lines back."""
        for fd in self._watched:
            self._reactor.remove_reader(fd)
        self._watched = set()
        self._board.close()
