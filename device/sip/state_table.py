"""A machine driven by a table: one dictionary from (state, type of input) to (next state, handler)."""

from collections.abc import Callable, Mapping
from enum import Enum

from device import plain_logging as logging
from device.annotations import Any, ClassVar, Generic, TypeVar
from device.sip.errors import SipStateError

_log = logging.getLogger(__name__)

StateT = TypeVar("StateT", bound=Enum)
InputT = TypeVar("InputT")

Row = tuple[Enum, Callable[[Any, Any, float], None]]
Table = Mapping[tuple[Enum, type], Row]


class StateTable(Generic[StateT, InputT]):
    """Enters the next state and runs the handler as `TABLE` says.

    A pair in `IGNORED` may happen and changes nothing. A pair in neither raises SipStateError: it cannot happen, or
    our owner asked for what the protocol does not allow now. Handlers get the machine, the input and the time.
    """

    TABLE: ClassVar[Table] = {}
    IGNORED: ClassVar[frozenset[tuple[Enum, type]]] = frozenset()

    __slots__ = ("state",)

    def __init__(self, state: StateT) -> None:
        self.state = state

    @property
    def name(self) -> str:
        """What the log calls this machine."""
        raise NotImplementedError

    def receive(self, happened: InputT, now: float) -> None:
        """Take one step. Raises SipStateError as above."""
        row = self.TABLE.get((self.state, type(happened)))
        if row is None:
            if (self.state, type(happened)) in self.IGNORED:
                return
            state = self.state.name.lower().replace("_", " ")
            raise SipStateError(f"{self.name}: {type(happened).__name__} is out of place while {state}")
        if row[0] is not self.state:
            _log.debug("%s: %s to %s", self.name, self.state.name, row[0].name)
            self._enter(row[0])  # type: ignore[arg-type]
        row[1](self, happened, now)

    def _enter(self, state: StateT) -> None:
        """Change state; a machine adds what leaving a state means, such as disarming its timers."""
        self.state = state
