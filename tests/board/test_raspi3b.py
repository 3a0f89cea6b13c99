"""The original RPi.GPIO on the registers of an emulated Raspberry Pi 3: what it does, and what offhook makes of it."""

import time
from itertools import pairwise

import pytest

from tests.board.raspi3b import Raspi3b
from tests.board.raspi3b_guest import HOOK, LINES

pytestmark = pytest.mark.qemu

LOOK_S = 5.0
UK_BURST_S, UK_GAP_S, UK_PAUSE_S = 0.4, 0.2, 2.0


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> dict[str, list[dict[str, object]]]:
    """The whole run, told by the machine and seen from outside: each fact carries the pins at that moment."""
    told: dict[str, list[dict[str, object]]] = {}
    with Raspi3b(tmp_path_factory.mktemp("raspi3b")) as machine:
        for fact in machine.steps():
            step = str(fact["step"])
            assert step != "failed", fact["why"]
            fact["pins"] = {name: machine.level(pin) for name, pin in LINES.items()}
            if step == "move-input":
                machine.put(HOOK, (len(told.get(step, [])) + 1) % 2)
            if step == "ringing":
                fact["edges"] = watch(machine, LINES["ringer"])
            told.setdefault(step, []).append(fact)
        told["off"] = [{"status": machine.wait_off()}]
    return told


def watch(machine: Raspi3b, pin: int) -> list[tuple[float, int]]:
    """The edges of a pin for a while: seconds and the level from then on."""
    edges: list[tuple[float, int]] = []
    begun = time.monotonic()
    while (now := time.monotonic() - begun) < LOOK_S:
        level = machine.level(pin)
        if not edges or level != edges[-1][1]:
            edges.append((now, level))
    return edges


def test_it_is_the_original_library_on_a_raspberry_pi_3(story) -> None:
    facts = story["library"][0]
    assert str(facts["version"]).startswith("0.7.1")
    assert facts["board"]["PROCESSOR"] == "BCM2837"
    assert facts["board"]["REVISION"] == "a02082"


def test_every_output_moves_its_pin_and_no_other(story) -> None:
    assert len(story["output"]) == 2 * len(LINES)
    for fact in story["output"]:
        others = {name: level for name, level in fact["pins"].items() if name != fact["name"]}
        assert fact["pins"][fact["name"]] == fact["level"] == fact["read_back"]
        assert not any(others.values())


def test_inputs_can_be_read_but_give_no_edges(story) -> None:
    facts = story["input"][0]
    assert facts["levels"] == [1, 0, 1]
    assert facts["edges"] == "Failed to add edge detection"


def test_lamp_relay_and_ringer_are_driven_by_our_driver(story) -> None:
    seen = {step: story[step][0]["pins"] for step in story if step.startswith(("board-", "lamp-", "relay-", "ringer-"))}
    assert not any(seen["board-open"].values())
    assert seen["lamp-on"]["registered"] == 1
    assert seen["relay-on"]["door"] == 1
    assert seen["relay-off"]["door"] == 0
    assert seen["ringer-on"]["ringer"] == 1
    assert not any(seen["board-closed"].values())


def test_the_phone_rings_with_its_cadence(story) -> None:
    facts = story["ringing"][0]
    assert facts["answers"][-1].startswith("SIP/2.0 180")
    # The machine is slow and shared: a burst may come late and last longer, but the order of long and short stays.
    times = [at for at, _ in facts["edges"]]
    levels = [level for _, level in facts["edges"]]
    lengths = [after - before for before, after in pairwise(times)]
    gaps = [length for length, level in zip(lengths, levels, strict=False) if not level]
    assert len(gaps) >= 2
    assert max(gaps) > (UK_GAP_S + UK_PAUSE_S) / 2 > min(gaps)


def test_a_killed_phone_leaves_the_bell_to_the_guard(story) -> None:
    assert story["safe"][0]["status"] == 0
    assert not any(story["safe"][0]["pins"].values())


def test_a_hook_switch_is_missed_with_what_to_do(story) -> None:
    said = str(story["hook-missed"][0]["status"])
    assert "rpi-lgpio" in said
    assert story["hook-ended"][0]["status"] == 0


def test_it_switches_itself_off(story) -> None:
    assert story["off"][0]["status"] == 0
