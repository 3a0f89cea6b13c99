"""The lamp for what an administrator should know."""

from device.daemon.fault_lamp import LOOK_S, FaultLamp


def test_it_blinks_while_something_is_wrong() -> None:
    notices: list[str] = []
    shown: list[tuple[str, float]] = []
    lamp = FaultLamp(lambda: notices, lambda mode, now: shown.append((mode, now)))
    assert lamp.pump(0.0) == LOOK_S
    assert shown == []
    notices.append("the store was damaged; the last good copy was taken")
    assert lamp.pump(1.0) == LOOK_S
    assert shown == []
    lamp.pump(5.0)
    lamp.pump(10.0)
    assert shown == [("blink", 5.0)]
    notices.clear()
    lamp.pump(15.0)
    assert shown == [("blink", 5.0), ("off", 15.0)]
