"""How the slots and the last upgrade are told to a person, and to programs."""

from device.annotations import Any
from device.upgrade.image_system import ImageSystem
from device.upgrade.records_file import FELL_BACK, KEPT, ROLLED_BACK, WENT_BACK, UpgradeRecords
from device.upgrade.slot_state import BAD, EMPTY, GOOD, TRIAL, SlotState, other_slot

OUTCOMES = {
    KEPT: "was kept",
    ROLLED_BACK: "was rolled back",
    WENT_BACK: "was left by `offhook upgrade back`",
    FELL_BACK: "cannot be started any more",
}
WORTHS = {
    GOOD: "proven",
    TRIAL: "on trial",
    BAD: "did not prove itself",
    EMPTY: "empty",
}


def upgrade_facts(system: ImageSystem, state: SlotState, records: UpgradeRecords) -> dict[str, Any]:
    """Everything about slots and upgrades, for programs."""
    pending, way, last = records.pending(), records.way_back(), records.last()
    return {
        "board": system.board,
        "version": system.version,
        "slot": system.slot,
        "slots": {"a": state.a, "b": state.b},
        "next_slot": state.slot,
        "tries": state.tries,
        "pending": None if pending is None else {"version": pending.new_version, "slot": pending.slot},
        "way_back": None if way is None else {"slot": way.slot},
        "last": None if last is None else {"outcome": last.outcome, "version": last.new_version, "reason": last.reason},
    }


def upgrade_lines(facts: dict[str, Any]) -> list[str]:
    """The same for a person."""
    slot = facts["slot"]
    lines = [f"running   version {facts['version']} for {facts['board']}, slot {slot} ({WORTHS[facts['slots'][slot]]})"]
    other = other_slot(slot)
    lines.append(f"slot {other}    {WORTHS[facts['slots'][other]]}")
    pending, way, last = facts["pending"], facts["way_back"], facts["last"]
    if pending is not None and pending["slot"] == slot:
        lines.append(f"trial     version {pending['version']} is on trial; it is kept when it is ready and registers")
    elif pending is not None:
        lines.append(f"next      version {pending['version']} is started with the next restart: sudo systemctl reboot")
    elif way is not None and way["slot"] != slot:
        lines.append(f"next      slot {way['slot']} is started with the next restart: sudo systemctl reboot")
    if last is not None:
        reason = f": {last['reason']}" if last["reason"] else ""
        lines.append(f"last      version {last['version']} {OUTCOMES.get(last['outcome'], last['outcome'])}{reason}")
    return lines
