"""What the starts after an upgrade do: keep the store aside, watch the trial, keep the new version or go back."""

import os
import time
from collections.abc import Callable

from device.annotations import Any
from device.records import replace
from device.upgrade.image_system import FELL_BACK_FILE, ImageSystem
from device.upgrade.records_file import (
    FELL_BACK,
    KEPT,
    ROLLED_BACK,
    WENT_BACK,
    FinishedUpgrade,
    PendingUpgrade,
    StoreCopy,
    UpgradeRecords,
    WayBack,
)
from device.upgrade.slot_state import BAD, GOOD, TRIAL, SlotState, SlotStateFile, other_slot
from device.upgrade.store_guard import forget_refused, forget_store, keep_store, refused_stores, restore_store
from device.upgrade.trial import Trial, Verdict

POLL_S = 2.0
NEVER_PROVEN = "it could not be started, or never came as far as to prove itself"
YEAR_2020 = 1_577_836_800
"""What a clock that was never set says is earlier."""


class Settling:
    """The end of an upgrade on the image `system`; `say` tells the journal."""

    def __init__(
        self, system: ImageSystem, say: Callable[[str], None], unix_time: Callable[[], float] = time.time
    ) -> None:
        self._system = system
        self._unix_time = unix_time
        self._records = UpgradeRecords(system)
        self._state_file = SlotStateFile(system.state_path)
        self._say = say

    def prepare_store(self) -> None:
        """Before the phone starts: keep the store aside for another version, or put it back for this one."""
        state, pending, way = self._state_file.read(), self._records.pending(), self._records.way_back()
        slot = self._system.slot
        if state.kind(slot) == TRIAL:
            self._keep_for_trial(pending)
        elif pending is not None and pending.slot != slot:
            if state.kind(pending.slot) == BAD:
                verdict = ". ".join([pending.verdict or NEVER_PROVEN, *self._restore()])
                self._records.begin(replace(pending, verdict=verdict))
        elif way is not None and way.slot == slot:
            self._come_back(way)
        elif os.path.exists(self._system.path(FELL_BACK_FILE)):
            self._fall_back(state)

    def _keep_for_trial(self, pending: PendingUpgrade | None) -> None:
        about = self._copy_for(
            "" if pending is None else pending.old_version, 0 if pending is None else pending.old_schema
        )
        forget_refused(self._system)
        try:
            if keep_store(self._system, self._records, about):
                self._say("the store is kept aside for the version before")
        except OSError as error:
            # The version goes on all the same: this one may read the store for good.
            self._say(f"the store could not be kept aside ({error.strerror}): there may be no way back with it")

    def _copy_for(self, version: str, schema: int) -> StoreCopy:
        return StoreCopy(other_slot(self._system.slot), version, schema, int(self._unix_time()))

    def _come_back(self, way: WayBack) -> None:
        """`offhook upgrade back` has led here, to a version that is older or newer than the one before."""
        told = self._restore()
        if not told and not refused_stores(self._system):
            keep_store(self._system, self._records, self._copy_for(way.old_version, way.old_schema), anew=True)
        self._records.finish(FinishedUpgrade(WENT_BACK, self._system.version, way.old_version, ". ".join(told)))

    def _fall_back(self, state: SlotState) -> None:
        """The boot loader or the initial RAM disk has given the other slot up, and this one is all that there is."""
        slot, other = self._system.slot, other_slot(self._system.slot)
        if state.kind(other) not in (GOOD, BAD):
            return
        state = replace(state.with_kind(other, BAD).with_kind(slot, GOOD), slot=slot, tries=0)
        self._state_file.write(state)
        last = self._records.last()
        known = last is not None and last.outcome in (KEPT, FELL_BACK)
        lost = last.new_version if last is not None and known else f"of slot {other}"
        reason = f"slot {other} cannot be read; write a version into it with `offhook upgrade`"
        finished = FinishedUpgrade(FELL_BACK, self._system.version, lost, ". ".join([reason, *self._restore()]))
        self._records.finish(finished)
        self._records.tell_given_up(other)
        self._say(finished.notice)

    def _restore(self) -> list[str]:
        """Put the store back where this version cannot read it; answers what has to be told of that."""
        about = self._records.kept_store()
        own = about is not None and about.slot == self._system.slot
        asides = restore_store(self._system, self._records) if own or self._records.restoring() else []
        told = [
            f"The store{as_of(about)} is back, since this version cannot read the newer one. What was set and who "
            f"called after that is kept in {aside}"
            for aside in asides
        ]
        told += [
            f"{path} cannot be read by this version, and there is no copy of before: `offhook upgrade back` starts the "
            "newer one again"
            for path in refused_stores(self._system)
        ]
        for text in told:
            self._say(text)
        return told

    def settle(
        self,
        status: Callable[[], dict[str, Any] | None],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> bool:
        """Watch a trial to its verdict and write it down; False when the machine must start anew to go back."""
        pending, slot = self._records.pending(), self._system.slot
        state = self._state_file.read()
        if state.kind(slot) == BAD and pending is not None and pending.slot == slot and state.slot != slot:
            # It was given up by an earlier run of this, and the machine has not started anew since then.
            self._say(f"version {self._system.version} was given up, and still runs; the old one is started")
            return False
        if state.kind(slot) != TRIAL:
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

    def _was_tried(self, pending: PendingUpgrade) -> bool:
        """Whether the slot of the pending upgrade was started and given up, rather than waiting for the restart."""
        return self._state_file.read().kind(pending.slot) == BAD

    def _write_down(self, verdict: Verdict, pending: PendingUpgrade | None) -> None:
        slot, state = self._system.slot, self._state_file.read()
        if verdict.good:
            self._state_file.write(replace(state.with_kind(slot, GOOD), slot=slot, tries=0))
            # The copy of the store stays for as long as the version before does.
            self._finish(pending, KEPT, verdict.reason)
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
        reason = pending.verdict or NEVER_PROVEN
        self._finish(pending, ROLLED_BACK, reason)
        forget_store(self._records)
        self._records.tell_given_up(pending.slot)
        self._say(f"the upgrade to {pending.new_version} was rolled back: {reason}")

    def _finish(self, pending: PendingUpgrade | None, outcome: str, reason: str) -> None:
        old = pending.old_version if pending is not None else ""
        new = pending.new_version if pending is not None else self._system.version
        self._records.finish(FinishedUpgrade(outcome, old, new, reason))


def as_of(about: StoreCopy | None) -> str:
    """When the copy was made, where the clock was right then."""
    if about is None or about.at < YEAR_2020:
        return " of the time before the upgrade"
    return time.strftime(" as it was on %Y-%m-%d %H:%M UTC, before the upgrade,", time.gmtime(about.at))
