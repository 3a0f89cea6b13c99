"""The product's image from power to registered: quiet outputs, nothing failed, and where the time goes."""

import re
from collections.abc import Iterator

import pytest

from tests.board.board_phone import DOOR_RELAY, RINGER
from tests.board.house import House
from tests.board.qemu_rig import QemuRig
from tests.support.processes import PATIENCE_S, wait_until

pytestmark = pytest.mark.qemu

UNIT = "offhook"
SECONDS = re.compile(r"(?:([\d.]+)min )?([\d.]+)(ms|s)$")


@pytest.fixture(scope="module")
def booted(running_house) -> Iterator[House]:
    """The house with its board started anew, registered, and nobody at it yet."""
    assert isinstance(running_house.rig, QemuRig)
    running_house.use("gpiod")
    running_house.phone.client.close()
    running_house.rig.stop()
    running_house.rig.start()
    running_house.wait_for_phone()
    yield running_house
    running_house.rest()


def seconds(text: str) -> float:
    """What systemd-analyze calls "1min 2.345s" or "17ms"."""
    found = SECONDS.search(text.strip())
    assert found is not None, text
    minutes, number, unit = found.groups()
    return float(minutes or 0) * 60 + float(number) / (1000 if unit == "ms" else 1)


def test_relay_and_bell_are_off_from_the_first_moment_on(booted) -> None:
    agent = booted.rig.agent
    started = int(agent.run(["systemctl", "show", "-P", "ExecMainStartTimestampMonotonic", UNIT]).out) / 1e6
    first = float(agent.run(["systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "r.service"]).out) / 1e6
    booted.figures.note("boot: outputs watched before the phone starts", started - first, "s")
    assert not [edge for edge in agent.edges([RINGER, DOOR_RELAY], 0.0) if edge[2]]
    assert agent.levels([RINGER, DOOR_RELAY]) == [False, False]


def test_nothing_has_failed(booted) -> None:
    failed = booted.rig.agent.run(["systemctl", "--failed", "--plain", "--no-legend", "--no-pager"]).out
    assert not failed.strip()


def test_where_the_time_goes(booted) -> None:
    agent, figures = booted.rig.agent, booted.figures
    wait_until(
        "the boot to be over",
        lambda: agent.run(["systemctl", "is-system-running"], check=False).out.strip() == "running",
        6 * PATIENCE_S * booted.rig.patience,
    )
    summary = agent.run(["systemd-analyze", "time"]).out
    for part in re.findall(r"([\d.]+min )?([\d.]+m?s) \((\w+)\)", summary.splitlines()[0]):
        figures.note(f"boot: {part[2]}", seconds(part[0] + part[1]), "s")
    begun = int(agent.run(["systemctl", "show", "-P", "InactiveExitTimestampMonotonic", UNIT]).out) / 1e6
    ready = int(agent.run(["systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", UNIT]).out) / 1e6
    figures.note("boot: kernel to the phone's start", begun, "s")
    figures.note("boot: the phone's start to READY", ready - begun, "s")
    registered = registered_at(booted.rig.log())
    figures.note("boot: READY to registered", registered - ready, "s")
    figures.note("boot: kernel to registered", registered, "s")
    text = "\n".join(
        [
            summary,
            agent.run(["systemd-analyze", "critical-chain", "--no-pager", f"{UNIT}.service"]).out,
            agent.run(["systemd-analyze", "blame", "--no-pager"]).out,
        ]
    )
    (booted.folder / "boot.txt").write_text(text)
    assert begun < ready <= registered


def registered_at(log: str) -> float:
    """Seconds after the kernel's start at which the phone logged that it is registered."""
    for line in log.splitlines():
        found = re.match(r"\[\s*([\d.]+)\].*: office: .*registered.* for \d+ s", line)
        if found is not None:
            return float(found[1])
    raise AssertionError(f"the phone has not logged that it is registered:\n{log[-2000:]}")


def test_what_it_costs(booted) -> None:
    agent, figures, phone = booted.rig.agent, booted.figures, booted.phone
    figures.note("memory of the phone, registered and idle", phone.memory_kib() / 1024, "MiB")
    figures.note("processor time of the phone since its start", phone.processor_s(), "s")
    meminfo = dict(line.split(":", 1) for line in agent.read_text("/proc/meminfo").splitlines())
    used = int(meminfo["MemTotal"].split()[0]) - int(meminfo["MemAvailable"].split()[0])
    figures.note("memory of the whole board in use", used / 1024, "MiB")
    assert phone.memory_kib() < 64 * 1024


def test_the_phone_runs_without_root(booted) -> None:
    status = booted.rig.agent.read_text(f"/proc/{booted.rig.phone_process()}/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert "0" not in fields["Uid"].split()
    assert int(fields["CapEff"], 16) == 0


def test_it_believes_to_be_a_raspberry_pi_3(booted) -> None:
    agent = booted.rig.agent
    assert agent.read_text("/proc/device-tree/model").startswith("Raspberry Pi 3 Model B")
    assert agent.ask("hello")["lines"] == 54
    shown = agent.run([*booted.rig.offhook, "board", "show"]).out
    assert "mock" not in shown
