"""The network of the board goes, comes back, changes and loses packets: the phone registers and calls by itself."""

import time
from collections.abc import Iterator

import pytest

from tests.board.board_phone import HOOK, RINGER
from tests.board.house import FAR, HERE, House
from tests.board.network import LEASE_S
from tests.board.qemu_rig import QemuRig
from tests.support.processes import PATIENCE_S, wait_until

pytestmark = pytest.mark.qemu

SHORT_S = 10.0
LONG_S = 600.0
COMPRESSED = 10.0
"""Ten minutes become one: the absence, the lifetime of the registration and the longest pause are all a tenth."""

LOSS = "5%"
CALLS_UNDER_LOSS = 4
NEW_ADDRESS = "10.77.0.77"

OTHER_WAY = """
ip link add ifb0 type ifb && ip link set ifb0 up
tc qdisc add dev {interface} handle ffff: ingress
tc filter add dev {interface} parent ffff: matchall action mirred egress redirect dev ifb0
tc qdisc add dev ifb0 root netem loss {loss}
"""


@pytest.fixture
def quiet_house(running_house) -> Iterator[House]:
    """The house with a board on the image, at rest before and after."""
    assert isinstance(running_house.rig, QemuRig)
    running_house.use("gpiod")
    yield running_house
    running_house.rest()


def seconds_until_called(house: House, begun: float) -> float:
    """Until a call from the house makes the board ring; tried again for as long as the registrar knows no way there."""
    inside = house.rig.agent.inside(begun)

    def rings() -> bool:
        if not house.far.status()["calls"]:
            house.far.place(HERE)
        return any(high for _, _, high in house.rig.agent.edges([RINGER], inside))

    wait_until("the board to ring", rings, 3 * PATIENCE_S * house.rig.patience)
    house.far.call("call.hangup")
    return time.monotonic() - begun


def seconds_until_registered(house: House, begun: float) -> float:
    """Until the board has registered anew, as the registrar and the phone see it."""
    since = begun

    def renewed() -> bool:
        return any(seen.text.startswith("SIP/2.0 200") and "REGISTER" in seen.text for seen in house.seen(since))

    wait_until("a REGISTER that is answered", renewed, 12 * PATIENCE_S * house.rig.patience)
    wait_until("the board to be registered", house.registered, PATIENCE_S * house.rig.patience)
    return time.monotonic() - begun


def call_the_house(house: House, number: str = FAR) -> float:
    """Lift and let the hotline call; seconds until the far end rings."""
    house.phone.set(phone__hotline=number)
    begun = time.monotonic()
    house.phone.lift()
    house.far.expect_state("alerting", 3 * PATIENCE_S * house.rig.patience)
    took = time.monotonic() - begun
    house.rig.agent.set_line(HOOK, True)
    house.phone.set(phone__hotline="")
    return took


def stay_away(seconds: float) -> None:
    """Nothing is waited for here but time itself: that is what is tried."""
    time.sleep(seconds)


def test_a_switch_that_fails_for_10_s(quiet_house) -> None:
    rig = quiet_house.rig
    quiet_house.network.unplug(rig.board.tap)
    stay_away(SHORT_S)
    quiet_house.network.plug(rig.board.tap)
    begun = time.monotonic()
    quiet_house.figures.note("away 10 s: back to called by the house", seconds_until_called(quiet_house, begun), "s")
    quiet_house.rest()
    quiet_house.figures.note("away 10 s: lifting to the house rings", call_the_house(quiet_house), "s")


def test_a_cable_that_is_out_for_10_s(quiet_house) -> None:
    rig = quiet_house.rig
    rig.board.pull_cable()
    stay_away(SHORT_S)
    begun = time.monotonic()
    rig.board.plug_cable()
    quiet_house.figures.note("cable out 10 s: back to registered", seconds_until_registered(quiet_house, begun), "s")
    quiet_house.figures.note("cable out 10 s: back to called", seconds_until_called(quiet_house, begun), "s")


def test_a_switch_that_fails_for_10_minutes_compressed(quiet_house) -> None:
    # The registration runs out at both ends, and the phone's pauses have grown to their longest, as in real 10 minutes.
    quiet_house.rewire("gpiod", {"sip.retry_cap_s": str(int(60 / COMPRESSED))})
    rig = quiet_house.rig
    quiet_house.network.unplug(rig.board.tap)
    stay_away(LONG_S / COMPRESSED)
    wait_until("the registration to be lost", lambda: quiet_house.phone.account()["state"] != "registered", 120)
    begun = time.monotonic()
    quiet_house.network.plug(rig.board.tap)
    took = seconds_until_registered(quiet_house, begun)
    quiet_house.figures.note("away 10 min (10:1): back to registered", took, "s")
    quiet_house.figures.note("away 10 min (10:1): back to called", seconds_until_called(quiet_house, begun), "s")
    quiet_house.rewire("gpiod")


def test_a_cable_that_is_out_for_10_minutes_compressed(quiet_house) -> None:
    rig = quiet_house.rig
    rig.board.pull_cable()
    stay_away(LONG_S / COMPRESSED)
    begun = time.monotonic()
    rig.board.plug_cable()
    quiet_house.figures.note(
        "cable out 10 min (10:1): back to registered", seconds_until_registered(quiet_house, begun), "s"
    )


def test_another_address_from_the_router(quiet_house) -> None:
    rig = quiet_house.rig
    old = rig.address
    begun = time.monotonic()
    try:
        quiet_house.network.start_dhcp({rig.board.hardware_address: NEW_ADDRESS})
        rig.address = NEW_ADDRESS
        # The router refuses the old address at the next renewal; a cable that comes back asks for one at once.
        rig.board.pull_cable()
        rig.board.plug_cable()
        took = seconds_until_registered(quiet_house, begun)
        quiet_house.figures.note("another address: router to registered", took, "s")
        quiet_house.figures.note("another address: router to called", seconds_until_called(quiet_house, begun), "s")
        quiet_house.rest()
        quiet_house.figures.note("another address: lifting to the house rings", call_the_house(quiet_house), "s")
    finally:
        quiet_house.network.start_dhcp({rig.board.hardware_address: old})
        rig.address = old
        rig.board.pull_cable()
        rig.board.plug_cable()
        seconds_until_registered(quiet_house, time.monotonic())
    assert LEASE_S > 0


def test_a_server_that_starts_anew(quiet_house) -> None:
    quiet_house.kamailio.kill()
    quiet_house.kamailio.start()
    begun = time.monotonic()
    # Its own call is possible at once: a server that knows nobody still takes a call from who has the password.
    quiet_house.far.call("registration.refresh", account="office")
    quiet_house.far.expect_registration("registered")
    quiet_house.figures.note("server anew: lifting to the house rings", call_the_house(quiet_house), "s")
    quiet_house.rest()
    quiet_house.figures.note("server anew: start to called", seconds_until_called(quiet_house, begun), "s")


def test_5_percent_of_all_packets_are_lost(quiet_house) -> None:
    agent = quiet_house.rig.agent
    interface = agent.run(
        ["sh", "-c", "ip -o -4 route show | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p' | head -n 1"]
    ).out.strip()
    agent.run(["tc", "qdisc", "replace", "dev", interface, "root", "netem", "loss", LOSS])
    agent.run(["sh", "-ec", OTHER_WAY.format(interface=interface, loss=LOSS)])
    try:
        for _ in range(CALLS_UNDER_LOSS):
            begun = time.monotonic()
            agent.run([*quiet_house.rig.offhook, "register", "office"])
            quiet_house.figures.note(
                "5 % lost: told to register to registered", seconds_until_registered(quiet_house, begun), "s"
            )
            begun = time.monotonic()
            quiet_house.figures.note("5 % lost: called to ringing", seconds_until_called(quiet_house, begun), "s")
            quiet_house.rest()
            quiet_house.figures.note("5 % lost: lifting to the house rings", call_the_house(quiet_house), "s")
            quiet_house.rest()
    finally:
        agent.run(["tc", "qdisc", "delete", "dev", interface, "root"], check=False)
        agent.run(["tc", "qdisc", "delete", "dev", interface, "ingress"], check=False)
        agent.run(["ip", "link", "delete", "ifb0"], check=False)
