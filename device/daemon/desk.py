"""The board in the loop: descriptors to desk events, commands to devices, and the simulated desk where there is one.

A board whose driver does not work is asked for again and again; meanwhile a board of no lines stands in, so that the
phone can be reached and be set right. Single lines that cannot be had are the board's own matter.
"""

from collections.abc import Callable

from device import plain_logging as logging
from device.control.errors import REFUSED, ControlError
from device.desk_events import DeskEvent, HookLifted, HookReplaced
from device.hardware.board import Board, BoardProfile
from device.hardware.errors import HardwareError
from device.hardware.mock_chip import MockChip
from device.hardware.settings import HardwareSettings
from device.hardware.simulated_desk import SimulatedDesk, resting_levels
from device.net.interfaces import Reactor
from device.records import asdict
from device.timing import earliest

logger = logging.getLogger(__name__)

RETRY_S = 3.0
"""How often a board that is not there is asked for, in seconds."""

LAMP_MODES = {"blink": "slow-blink"}
"""The board's word for a lamp state of the phone, where the two differ."""


def load_profile(hardware: HardwareSettings) -> BoardProfile:
    """The board profile of the settings with all that they change in it. Raises ProfileError."""
    return hardware.apply(BoardProfile.load(hardware.board))


def stand_in_for(profile: BoardProfile) -> Board:
    """A board of the same devices on no lines at all: nobody touches it, nobody sees it."""
    return Board(profile, MockChip(initially=resting_levels(profile)))


class Desk:
    """A board, watched by the loop; on a simulated one a person's hands can be moved by the control socket.

    `reopen` opens a real board where its driver did not work at the start: then `fault` says why and `board` is its
    stand-in.
    """

    def __init__(
        self,
        board: Board,
        simulated: SimulatedDesk | None,
        chip: MockChip | None,
        reactor: Reactor,
        post: Callable[[DeskEvent], None],
        line_changed: Callable[[str, bool, float], None],
        reopen: Callable[[], Board] | None = None,
        fault: str = "",
    ) -> None:
        self._board = board
        self._simulated = simulated
        self._chip = chip
        self._reactor = reactor
        self._post_event = post
        self._line_changed = line_changed
        self._reopen = reopen
        self.fault = fault
        """Why the board is not there, for whoever asks for the status; empty when it is."""
        self._retry_at: float | None = None
        self._watched: set[int] = set()
        self._lifted = False
        self._lamps: dict[str, str] = {}
        self._follow(board)

    def _follow(self, board: Board) -> None:
        self._board = board
        board.on_line_changed = lambda change: self._line_changed(change.name, change.active, change.at)

    def start(self, now: float) -> None:
        """Read every input once and watch their lines."""
        for event in self._board.start(now):
            self._post(event)
        if self.fault:
            logger.error("the board is not there, the phone goes on without: %s", self.fault)
            self._retry_at = now + RETRY_S
        self._watch()

    def _post(self, event: DeskEvent) -> None:
        if isinstance(event, (HookLifted, HookReplaced)):
            self._lifted = isinstance(event, HookLifted)
        self._post_event(event)

    def _watch(self) -> None:
        """Watch the descriptors that there are now: a line that failed is gone from them until it is taken again."""
        fds = set(self._board.fds())
        for fd in self._watched - fds:
            self._reactor.remove_reader(fd)
        for fd in fds - self._watched:
            self._reactor.add_reader(fd, self._reading(fd))
        self._watched = fds

    def _unwatch(self) -> None:
        for fd in self._watched:
            self._reactor.remove_reader(fd)
        self._watched = set()

    def _ask_again(self, now: float) -> None:
        """Try to open the board; when it is there, it shows and rings what it has missed."""
        assert self._reopen is not None
        self._retry_at = now + RETRY_S
        try:
            board = self._reopen()
        except HardwareError as error:
            if str(error) != self.fault:
                self.fault = str(error)
                logger.error("the board is not there: %s", error)
            return
        self._retry_at, self.fault = None, ""
        logger.info("board %s is there", board.profile.name)
        self._unwatch()
        ringing = self._board.ringer.pattern
        self._board.close()
        self._follow(board)
        for name, mode in self._lamps.items():
            board.lamp(name).show(mode, now)
        if ringing is not None:
            board.ringer.start(ringing.name, now)
        for event in board.start(now):
            # The phone knows already that the handset lies where it lay.
            if not isinstance(event, (HookLifted, HookReplaced)) or isinstance(event, HookLifted) != self._lifted:
                self._post(event)
        self._watch()

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
        if self._retry_at is not None and now >= self._retry_at:
            self._ask_again(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        simulated = self._simulated.next_timeout() if self._simulated is not None else None
        return earliest(self._board.next_timeout(), simulated, self._retry_at)

    def start_ringer(self, pattern: str, now: float) -> None:
        """Ring in a named cadence; "default" is the profile's own."""
        self._board.ringer.start(pattern, now)

    def stop_ringer(self) -> None:
        """Silence the bell."""
        self._board.ringer.stop()

    def show_lamp(self, name: str, mode: str, now: float) -> None:
        """Set a lamp to one of the phone's lamp states."""
        self._lamps[name] = LAMP_MODES.get(mode, mode)
        self._board.lamp(name).show(self._lamps[name], now)

    def lamp_names(self) -> list[str]:
        """The lamps of this board."""
        return list(self._board.snapshot().lamps)

    def button_names(self) -> list[str]:
        """The buttons of this board."""
        return list(self._board.buttons)

    def is_pressed(self, name: str) -> bool:
        """Whether a button is down now."""
        button = self._board.buttons.get(name)
        return button is not None and button.pressed

    def relay_names(self) -> list[str]:
        """The relays of this board."""
        return list(self._board.snapshot().relays)

    def try_lamp(self, name: str, mode: str, now: float) -> None:
        """Show something for a while that the phone has not asked for."""
        self._board.lamp(name).show(mode, now)

    def restore_lamp(self, name: str, now: float) -> None:
        """Show again what the phone wants."""
        self._board.lamp(name).show(self._lamps.get(name, "off"), now)

    def pulse_relay(self, name: str, seconds: float, now: float) -> None:
        """Close a relay for so many seconds."""
        self._board.relay(name).pulse(seconds, now)

    def notices(self) -> list[str]:
        """The devices that do not work, and why."""
        return [self.fault] * bool(self.fault) + [
            f"{name} does not work, and is tried again: {why}" for name, why in self._board.missing.items()
        ]

    def snapshot(self) -> dict[str, object]:
        """The state of every device and line; `fault` tells that the board is not there."""
        return {**asdict(self._board.snapshot()), **({"fault": self.fault} if self.fault else {})}

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
        self._unwatch()
        self._retry_at = None
        self._board.close()
