"""The settings of the technician's console. The daemon keeps them with all others."""

from device.annotations import ClassVar
from device.records import dataclass

LONGEST_IDLE_S = 86_400


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Section `[console]`."""

    SECTION: ClassVar[str] = "console"
    HELP: ClassVar[dict[str, str]] = {
        "open": "whether a console asks for no password; whoever reaches its line then has full control",
        "setup_done": "steps of `setup` that are done; it keeps them itself, so that it can be gone on with",
        "idle_log_out_s": "seconds without a key after which a console logs out, 10 to 86400; 0 for never",
    }

    open: bool = False
    setup_done: str = ""
    idle_log_out_s: int = 600

    def faults(self) -> list[str]:
        """Everything wrong with these settings, in words."""
        if self.idle_log_out_s and not 10 <= self.idle_log_out_s <= LONGEST_IDLE_S:
            return [f"console.idle_log_out_s: {self.idle_log_out_s} is neither 0 nor between 10 and {LONGEST_IDLE_S}"]
        return []
