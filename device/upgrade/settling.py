"""What the starts after an upgrade do: keep the store aside, watch the trial, keep the new version or go back."""

import time
from collections.abc import Callable

from device.annotations import Any
from device.records import replace
from device.upgrade.image_system import ImageSystem
from device.upgrade.records_file import FinishedUpgrade, PendingUpgrade, UpgradeRecords
from device.upgrade.slot_state import BAD, GOOD, TRIAL, SlotStateFile, other_slot
from device.upgrade.store_guard import forget_store, keep_store, restore_store
from device.upgrade.trial import Trial, Verdict

POLL_S = 2.0


class Settling:
    """The end of an upgrade on the image `system`; `say` tells the journal."""

    def __init__(self, system: ImageSystem, say: Callable[[str], None]) -> None:
        self._system = system
        self._records = UpgradeRecords(system)
        self._state_file = SlotStateFile(system.state_path)
        self._say = say

    def prepare_store(self) -> None:
        """Before the phone starts: keep the store aside for a trial, or put it back after one that failed."""
        pending = self._records.pending()
        if self._on_trial():
            if keep_store(self._system, self._records):
                self._say("the store is kept aside until the new version has proven itself")
            return
        if pending is not None and pending.slot != self._system.slot and self._was_tried(pending):
            if restore_store(self._system, self._records):
                self._say("the store of the time before the upgrade is back: the newer one is of another form")
            return
        if pending is None:
            forget_store(self._records)

    def settle(
        self,
        status: Callable[[], dict[str, Any] | None],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> bool:
        """Watch a trial to its verdict and write it down; False when the machine must start anew to go back."""
        pending = self._records.pending()
        if not self._on_trial():
            self._tell_rollback(pending)
            return True
        trial = Trial([] if pending is None else pending.registered, clock())
        waits_for = ""
        while True:
            answer = status()
            verdict = trial.observe(answer, clock())
            if verdict is not None:
                break
            if trial.waits_for(answer) != waits_for:
                waits_for = trial.waits_for(answer)
                self._say(f"on trial: {waits_for}")
            sleep(POLL_S)
        self._write_down(verdict, pending)
        return verdict.good

    def _on_trial(self) -> bool:
        return self._state_file.read().kind(self._system.slot) == TRIAL

    def _was_tried(self, pending: PendingUpgrade) -> bool:
        """Whether the slot of the pending upgrade was started and given up, rather than waiting for the restart."""
        return self._state_file.read().kind(pending.slot) == BAD

    def _write_down(self, verdict: Verdict, pending: PendingUpgrade | None) -> None:
        slot, state = self._system.slot, self._state_file.read()
        if verdict.good:
            self._state_file.write(replace(state.with_kind(slot, GOOD), slot=slot, tries=0))
            forget_store(self._records)
            self._finish(pending, "good", verdict.reason)
            self._say(f"version {self._system.version} is kept: {verdict.reason}")
            return
        # The old version tells it, once it runs again: until then the upgrade is pending.
        self._state_file.write(replace(state.with_kind(slot, BAD), slot=other_slot(slot), tries=0))
        if pending is not None:
            self._records.begin(replace(pending, verdict=verdict.reason))
        self._say(f"version {self._system.version} is given up: {verdict.reason}; the old one is started")

    def _tell_rollback(self, pending: PendingUpgrade | None) -> None:
        if pending is None or pending.slot == self._system.slot or not self._was_tried(pending):
            return
        reason = pending.verdict or "it was started several times and never came as far as to prove itself"
        self._finish(pending, "rolled-back", reason)
        self._say(f"the upgrade to {pending.new_version} was rolled back: {reason}")

    def _finish(self, pending: PendingUpgrade | None, outcome: str, reason: str) -> None:
        old = pending.old_version if pending is not None else ""
        new = pending.new_version if pending is not None else self._system.version
        self._records.finish(FinishedUpgrade(outcome, old, new, reason))
