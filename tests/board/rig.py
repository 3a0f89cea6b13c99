"""What the suite asks of a virtual board, whichever machine it runs on; `uml_rig` and `qemu_rig` give it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from tests.board.agent_client import AgentClient
from tests.board.network import BoardNetwork


class Rig(Protocol):
    """A board with the phone on it, a cable in `network`, and the test's agent inside. It is off when it is made."""

    @property
    def name(self) -> str:
        """What the machine is, such as "uml" or "qemu"."""

    @property
    def patience(self) -> float:
        """How much longer than on a machine of its own everything may take: 1 for native speed."""

    @property
    def settle_us(self) -> int:
        """How long a key of the agent's may take to follow its row, for `keypad.settle_us` of the profile."""

    @property
    def drivers(self) -> Sequence[str]:
        """The GPIO drivers that the phone on this board has: of "gpiod" and "rpi-gpio"."""

    @property
    def folder(self) -> Path:
        """Where its logs are, on the host."""

    @property
    def network(self) -> BoardNetwork:
        """The namespace that its cable ends in."""

    @property
    def address(self) -> str:
        """Its IP address."""

    @property
    def share(self) -> Path:
        """The shared folder as the host sees it; `agent.py` is in it, and everyone may read and write there."""

    @property
    def share_inside(self) -> str:
        """The shared folder as the board sees it."""

    # Power.

    def start(self) -> None:
        """Give it power and wait until the agent answers. The phone may still be on its way up."""

    def stop(self) -> None:
        """Shut it down in order, and wait until it is off; idempotent."""

    def cut_power(self) -> None:
        """Take the power away at once: nothing is flushed, nobody is told. `start` gives it back."""

    # What it is reached by.

    @property
    def agent(self) -> AgentClient:
        """The hands and ears inside; a new one after each start."""

    @property
    def uart(self) -> str:
        """The pseudo-terminal whose far end is the board's serial line for the technician."""

    def technician(self) -> AbstractContextManager[None]:
        """The console that waits at the serial line for the technician, as the product starts it."""

    def log(self) -> str:
        """What the phone has logged since the board was started."""

    # The phone on it.

    @property
    def offhook(self) -> Sequence[str]:
        """The command inside that is `offhook`, as its first words."""

    def keep_profile(self, text: str) -> str:
        """Keep a board profile where the phone finds it at each start; its path inside."""

    def start_phone(self) -> None:
        """Start the phone, or start it anew, and wait until it answers at its control socket."""

    def kill_phone(self) -> None:
        """End the phone as a fault would (SIGKILL), without anything that starts it again before `start_phone`."""

    def phone_process(self) -> int:
        """The process id of the phone inside."""
