"""Takes the power away from a virtual board again and again, at random, in the middle of what a phone does.

After each cut the board must boot, keep relay and bell off from the first moment on, be registered, and have the
settings that were acknowledged last. What the disk had not been told to flush is lost, kept or torn by chance; see
`write_log`. Everything random comes from one seed.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from device.control.errors import ControlError
from tests.board.agent_client import AgentError
from tests.board.board_phone import DOOR_RELAY, HOOK, PULSE, RINGER, AgentControl
from tests.board.hands import turn_dial
from tests.board.qemu_rig import QemuRig
from tests.support.daemons import PhoneDaemon
from tests.support.kamailio import Kamailio
from tests.support.processes import PATIENCE_S, wait_until

SETTING = "phone.inter_digit_timeout_s"
"""What is changed and must be kept: a number that disturbs nothing."""

LOWEST, HIGHEST = 1.5, 9.5
CONTROL_SOCKET = "/run/offhook/control.sock"
GUARDED = {RINGER: "ringer", DOOR_RELAY: "door relay"}
LONGEST_ACT_S = 3.0
LONGEST_UPGRADE_S = 60.0
BOOT_CUT_S = 25.0
CALLED = "1001"
ROLLED_BACK = "the upgrade to "


class Cut(NamedTuple):
    """One power cut and what came after it. Times in seconds."""

    number: int
    during: str
    after_s: float
    """From the beginning of what it interrupted."""
    flushed: int
    unflushed: int
    """Writes of the guest since the last start that a flush had secured, and that none had."""
    agent_s: float
    """Power to agent: the moment from which the outputs are watched."""
    registered_s: float
    setting: str
    faults: tuple[str, ...]


class Commit(NamedTuple):
    """A value that the setting was given; `at` is how far the disk's log had come when it was acknowledged."""

    value: str
    at: int | None = None


def allowed_after(kept: str, commits: Sequence[Commit], at: int) -> list[str]:
    """What the setting may be after a cut at `at`: the last value that was acknowledged until then, and the next one.

    The next one may have reached the disk although nobody has been told.
    """
    values = [kept, *(commit.value for commit in commits)]
    acknowledged = 0
    for number, commit in enumerate(commits, 1):
        if commit.at is not None and commit.at <= at:
            acknowledged = number
    return values[acknowledged : acknowledged + 2]


class PowerCuts:
    """The board of a rig, registered at a Kamailio, with another phone that calls it."""

    def __init__(
        self,
        rig: QemuRig,
        kamailio: Kamailio,
        far: PhoneDaemon,
        seed: int,
        say: Callable[[str], None],
        upgrade: Path | None = None,
    ) -> None:
        self._rig, self._kamailio, self._far, self._say = rig, kamailio, far, say
        self._chance = random.Random(seed)
        self._control = AgentControl(rig, CONTROL_SOCKET)
        self._upgrade = upgrade
        self._kept = ""
        self._commits: list[Commit] = []
        """What was asked of the setting since the board was last looked at, beginning with `_kept`."""
        self.cuts: list[Cut] = []
        self._acts: dict[str, Callable[[], None]] = {
            "rest": lambda: None,
            "dialling": self._dial,
            "ringing": self._ring,
            "a call": self._talk,
            "commits": self._commit_on,
        }
        if upgrade is not None:
            self._acts["an upgrade"] = self._begin_upgrade

    @property
    def faults(self) -> list[str]:
        """Everything that was wrong, with the number of its cut."""
        return [f"cut {cut.number} ({cut.during}): {fault}" for cut in self.cuts for fault in cut.faults]

    def run(self, count: int) -> None:
        """Cut the power `count` times. The board is up and registered before, and after, unless it failed."""
        self._commit(self._next_value())
        # Each kind of act in turn, in a new order each time, so that a short run has all of them.
        order: list[str] = []
        for number in range(1, count + 1):
            if not order:
                order = [*self._acts, "the boot"]
                self._chance.shuffle(order)
            cut = self._cycle(number, order.pop())
            self.cuts.append(cut)
            fine = "; ".join(cut.faults).upper() or "settings kept, outputs off"
            self._say(
                f"cut {number} of {count}: in {cut.during} after {cut.after_s:.1f} s, "
                f"{cut.unflushed} writes of {cut.flushed + cut.unflushed} not flushed; "
                f"up {cut.agent_s:.0f} s, registered {cut.registered_s:.0f} s after power: {fine}"
            )

    def summary(self) -> dict[str, Any]:
        """The run in figures."""
        registered = sorted(cut.registered_s for cut in self.cuts)
        kinds = {cut.during for cut in self.cuts}
        return {
            "cuts": len(self.cuts),
            "with faults": len([cut for cut in self.cuts if cut.faults]),
            "during": {kind: len([cut for cut in self.cuts if cut.during == kind]) for kind in sorted(kinds)},
            "unflushed writes": sum(cut.unflushed for cut in self.cuts),
            "power to registered, median s": round(registered[len(registered) // 2], 1) if registered else None,
            "power to registered, longest s": round(registered[-1], 1) if registered else None,
            "each": [cut._asdict() for cut in self.cuts],
        }

    # One cycle.

    def _cycle(self, number: int, during: str) -> Cut:
        begun = time.monotonic()
        if during == "the boot":
            self._commit(self._next_value())
            self._rig.cut_power()
            self._control.close()
            self._kept, self._commits = self._commits[-1].value, []
            since = 0
            self._rig.board.switch_on()
            after = self._wait_at_random(time.monotonic(), BOOT_CUT_S)
        else:
            if self._chance.random() < 0.5:
                self._commit(self._next_value())
            since = self._rig.board.written()
            begun = time.monotonic()
            self._acts[during]()
            after = self._wait_at_random(begun, LONGEST_UPGRADE_S if during == "an upgrade" else LONGEST_ACT_S)
        cut = self._rig.cut_power(since)
        self._control.close()
        return Cut(number, during, after, cut.flushed, cut.unflushed, *self._come_back(cut.at))

    def _wait_at_random(self, begun: float, longest_s: float) -> float:
        threading.Event().wait(self._chance.uniform(0.0, longest_s))
        return time.monotonic() - begun

    def _come_back(self, at: int) -> tuple[float, float, str, tuple[str, ...]]:
        """Give power and look at everything that must be right."""
        faults: list[str] = []
        powered = time.monotonic()
        # What the registrar knows is from before the cut; only what comes now counts.
        self._forget_contacts()
        agent_s = registered_s = -1.0
        value = ""
        try:
            self._rig.start()
            agent_s = time.monotonic() - powered
            self._far.rest()
            wait_until("the board to be registered", self._registered, 12 * PATIENCE_S * self._rig.patience)
            registered_s = time.monotonic() - powered
            faults += self._outputs_that_moved()
            value = self._value()
            allowed = allowed_after(self._kept, self._commits, at)
            if value not in allowed:
                faults.append(f"{SETTING} is {value}, acknowledged was {allowed[0]}")
            self._kept, self._commits = value, []
            faults += self._complaints()
        except AssertionError as error:
            faults.append(str(error).splitlines()[0])
        return agent_s, registered_s, value, tuple(faults)

    def _forget_contacts(self) -> None:
        self._kamailio.ask("ul.rm", "location", f"{CALLED}@kamailio.test")

    def _registered(self) -> bool:
        there = any(f"@{self._rig.address}" in contact for contact in self._kamailio.contacts())
        return there and self._account_state() == "registered"

    def _account_state(self) -> str:
        try:
            answer: Any = self._control.call("account.list")
        except (ControlError, AgentError):
            # The phone is still on its way up; whoever waits asks again.
            self._control.close()
            return ""
        return next((str(one["state"]) for one in answer["accounts"]), "")

    def _outputs_that_moved(self) -> list[str]:
        """Relay and bell: any move towards on since the agent has been looking, which is before the phone started."""
        faults = [f"{GUARDED[line]} was on" for _, line, high in self._rig.agent.edges(list(GUARDED), 0.0) if high]
        levels = self._rig.agent.levels(list(GUARDED))
        return faults + [f"{name} is on" for name, high in zip(GUARDED.values(), levels, strict=True) if high]

    def _complaints(self) -> list[str]:
        """What the board itself finds wrong after a boot."""
        faults = []
        if self._rig.agent.run(["test", "-e", "/run/offhook-image/data-lost"], check=False).status == 0:
            faults.append("the data partition was lost")
        status: Any = self._control.call("status")
        # An upgrade whose trial is cut off again and again goes back, and says so: that is as it should be.
        return faults + [f"notice: {notice}" for notice in status["notices"] if not notice.startswith(ROLLED_BACK)]

    # Settings.

    def _next_value(self) -> str:
        return f"{self._chance.uniform(LOWEST, HIGHEST):.3f}"

    def _value(self) -> str:
        answer: Any = self._control.call("settings.get", key=SETTING)
        return f"{float(answer['value']):.3f}"

    def _commit(self, value: str) -> None:
        """Change the setting; when this comes back, it has been acknowledged."""
        self._commits.append(Commit(value))
        self._control.call("settings.set", values={SETTING: value})
        # The disk's log holds by now what was flushed for it.
        self._commits[-1] = Commit(value, self._rig.board.written())

    # What is interrupted.

    def _dial(self) -> None:
        agent = self._rig.agent
        agent.set_line(HOOK, False)
        actions = turn_dial(PULSE, None, [1, 10, 10, 2])
        self._in_background(lambda: agent.play(actions))

    def _ring(self) -> None:
        since = self._rig.agent.now()
        self._far.place(CALLED)
        self._rig.agent.wait_edge(RINGER, True, since)

    def _talk(self) -> None:
        self._ring()
        self._rig.agent.set_line(HOOK, False)
        self._far.expect_state("connected", PATIENCE_S * self._rig.patience)

    def _commit_on(self) -> None:
        """One change after the other until the power is gone."""

        def change() -> None:
            while True:
                self._commit(self._next_value())

        self._in_background(change)

    def _begin_upgrade(self) -> None:
        assert self._upgrade is not None
        place = f"{self._rig.share_inside}/{self._upgrade.name}"
        agent = self._rig.agent
        self._in_background(lambda: agent.run([*self._rig.offhook, "upgrade", place, "--yes", "--force"], within_s=60))

    def _in_background(self, act: Callable[[], object]) -> None:
        def until_the_end() -> None:
            # The power goes in the middle of it; whatever else is wrong shows after the boot.
            with suppress(AgentError, ControlError, OSError):
                act()

        threading.Thread(target=until_the_end, daemon=True).start()


def write_summary(cuts: PowerCuts, path: Path) -> None:
    path.write_text(json.dumps(cuts.summary(), indent=1) + "\n")
