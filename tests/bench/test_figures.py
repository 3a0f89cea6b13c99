"""The bench's own arithmetic: percentiles, gates, the table, and what is read from /proc, cards and packets."""

import json
import os
from pathlib import Path

import pytest

from tests.bench import budgets, imports
from tests.bench.__main__ import extent_of, parse_options, working_folder
from tests.bench.card_record import burst_starts, bursts_heard_at, delays_ms, parse_log
from tests.bench.far_end import BURST, NOISE, first_loud_sample
from tests.bench.figures import Figure, Gate, format_number, median, percentile, report, table
from tests.bench.idle_probe import KINDS, Probe
from tests.bench.messages import STRETCHES, checked_use, here, rates, use
from tests.bench.osip import Osip
from tests.bench.process_figures import cpu_s, memory_mib, parse_rollup, parse_voluntary_switches, wakeups
from tests.bench.sample_messages import INVITE, OK, strangers


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(1, 201)]
    assert percentile(values, 0.99) == 198
    assert percentile(values, 0.5) == median(values) == 100
    assert percentile(values, 1.0) == 200
    assert percentile([7.0], 0.01) == 7
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


@pytest.mark.parametrize(
    ("gate", "ours", "peer", "verdict"),
    [
        (Gate(limit=18, target=14), 14.0, None, "target"),
        (Gate(limit=18, target=14), 18.0, 9.6, "holds"),
        (Gate(limit=18, target=14), 18.1, 9.6, "ABOVE"),
        (Gate(limit=50, target=100, higher_is_better=True), 50.0, 5.0, "holds"),
        (Gate(limit=50, target=100, higher_is_better=True), 20.0, 5.0, "BELOW"),
        (Gate(peer_limit=1.5, peer_target=0.8), 0.4, 0.5, "target"),
        (Gate(peer_limit=1.5, peer_target=0.8), 0.7, 0.5, "holds"),
        (Gate(peer_limit=1.5, peer_target=0.8), 0.8, 0.5, "ABOVE"),
        (Gate(peer_limit=1.5, peer_target=0.8), 0.8, None, ""),
        (Gate(), 3.0, 4.0, ""),
        (budgets.USE_MESSAGE, 60.0, 100.0, "target"),
        (budgets.USE_MESSAGE, 45.0, 100.0, "holds"),
        (budgets.USE_MESSAGE, 39.0, 100.0, "BELOW"),
    ],
)
def test_a_gate_judges(gate: Gate, ours: float, peer: float | None, verdict: str) -> None:
    assert gate.judge(ours, peer) == verdict


def test_the_gate_for_cpu_time_knows_both_versions_of_baresip() -> None:
    assert budgets.cpu_gate(1).judge(1.16, 0.75) == "holds"
    assert budgets.cpu_gate(4).judge(1.16, 1.16) == "holds"
    assert budgets.cpu_gate(4).judge(0.6, 1.16) == "target"


def test_the_table_says_ratio_gate_and_verdict() -> None:
    figures = [
        Figure("rest", "memory", "MiB", 18.2, 9.1, gate=Gate(limit=18)),
        Figure("messages", "parse", "/s", 130_000.0, 100_000.0, peer_name="libosip2", note="one thread"),
        Figure("sipp", "sipp: not measured", "", None, note="not installed"),
    ]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table(figures).splitlines()]
    assert lines[2] == ["memory, MiB", "18.2", "9.10", "2.00", "18 MiB", "ABOVE"]
    assert lines[3] == ["parse, /s", "130,000", "100,000 (libosip2)", "1.30", "-", "-"]
    assert lines[4] == ["sipp: not measured", "-", "-", "-", "-", "failed"]
    assert "- parse: one thread" in table(figures)


def test_numbers_carry_three_digits() -> None:
    assert [format_number(value) for value in (None, 0.0, 0.2, 5.48, 82.04, 784382.4)] == [
        "-",
        "0",
        "0.20",
        "5.48",
        "82.0",
        "784,382",
    ]


def test_a_report_can_be_written_as_json() -> None:
    figure = Figure("rest", "memory", "MiB", 18.2, 0.0, gate=Gate(limit=18))
    written = json.loads(json.dumps(report([figure], {"cores": 2})))
    assert written["circumstances"] == {"cores": 2}
    assert written["figures"][0]["ratio"] is None
    assert written["figures"][0]["verdict"] == "ABOVE"


def test_memory_and_wakeups_are_read_from_what_the_kernel_writes() -> None:
    assert parse_rollup("55d0-7ffd ---p 0 00:00 0 [rollup]\nRss: 20480 kB\nPss: 10240 kB\n") == (20.0, 10.0)
    assert (
        parse_voluntary_switches("Name:\tpython3\nvoluntary_ctxt_switches:\t17\nnonvoluntary_ctxt_switches:\t3\n") == 17
    )
    with pytest.raises(ValueError, match="voluntary"):
        parse_voluntary_switches("Name:\tpython3\n")


def test_a_running_process_has_figures() -> None:
    rss, pss = memory_mib(os.getpid())
    assert rss >= pss > 1
    before = cpu_s(os.getpid())
    sum(range(200_000))
    assert cpu_s(os.getpid()) > before > 0
    assert wakeups(os.getpid()) >= 0


def test_bursts_are_told_from_noise() -> None:
    assert first_loud_sample(NOISE) == -1
    assert first_loud_sample(BURST) == 0
    assert first_loud_sample(NOISE[:40] + BURST) == 40


def test_the_first_loud_sample_after_a_pause_begins_a_burst() -> None:
    silence = [3, -4] * 500
    burst = [20_000, -20_000] * 8
    samples = [*silence, *burst, *silence, *burst, *silence]
    assert burst_starts(samples, rate_hz=1000) == [1000, 2016]
    assert burst_starts([0] * 100) == []


def test_the_log_of_a_card_tells_when_a_frame_was_heard() -> None:
    runs = parse_log("start 1000000000 4800\nxrun 3000000000 96000\nstart 4000000000 98000\nclose 5000000000 144000\n")
    assert [(run.first, run.started_at) for run in runs] == [(0, 1.0), (96_000, 4.0)]
    assert runs[0].heard_at(48_000) == 2.0
    assert runs[1].heard_at(120_000) == 4.5


def test_bursts_in_a_record_get_their_times(tmp_path: Path) -> None:
    silence, burst = b"\0\0" * 47_900, b"\x20\x4e\xe0\xb1" * 50
    (tmp_path / "playback.raw").write_bytes(silence + burst + silence + burst)
    (tmp_path / "log").write_text("start 10000000000 960\n")
    assert bursts_heard_at(tmp_path) == pytest.approx([10 + 47_900 / 48_000, 10 + 95_900 / 48_000])


def test_a_delay_runs_to_the_next_effect() -> None:
    assert delays_ms([1.0, 2.0, 3.0], [1.04, 2.05]) == pytest.approx([40.0, 50.0])


@pytest.mark.parametrize("data", [INVITE, OK])
def test_both_parsers_read_the_same(data: bytes) -> None:
    branch, tag, to, number, call_id, contact, body = checked_use(data)
    assert (branch, tag, number, call_id) == (
        "z9hG4bKd41d.87bb1f3",
        "9fxced76sl",
        102,
        "3848276298220188511@192.0.2.31",
    )
    assert use(data)[-1] == body
    assert isinstance(body, bytes)
    assert len(body) == int(data.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
    try:
        osip = Osip()
    except OSError:
        return  # ours has been looked at; the yardstick is installed for `make bench` only
    theirs = osip.use(data)
    assert theirs[0] == str(branch).encode()
    assert theirs[1] == str(tag).encode()
    assert theirs[3:5] == (number, str(call_id).encode())
    assert theirs[6] == body
    assert to.user.encode() == theirs[2][0]  # type: ignore[attr-defined]
    assert contact.user.encode() == theirs[5][0]  # type: ignore[attr-defined]
    with osip.opened(data) as message:
        assert osip.encode(message).endswith(body)
    with pytest.raises(ValueError, match="refuses"):
        osip.parse(b"no SIP")


def test_the_best_stretch_counts() -> None:
    rising = iter(range(1, 100))
    falling = iter(range(100, 0, -1))
    assert rates({"a": lambda _: next(rising), "b": lambda _: next(falling)}, 0.1) == {"a": STRETCHES, "b": 100}


def test_work_in_this_process_is_counted() -> None:
    done: list[int] = []
    assert here(lambda: done.append(1))(0.001) > 0
    assert len(done) >= 50


def test_strangers_are_messages_as_good_as_the_sample() -> None:
    others = strangers(INVITE, 3)
    assert len(set(others)) == 3
    assert [use(data)[3] for data in others] == [use(INVITE)[3]] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_transactions_and_dialogs_rest_and_end(kind: str) -> None:
    probe = Probe(5)
    make = KINDS[kind](probe)
    for number in range(5):
        make(number)
    assert len(probe.layer) + len(probe.dialogs) == 5
    probe.end()
    assert len(probe.layer) + len(probe.dialogs) == 0


def test_import_costs_are_merged_and_added_up() -> None:
    memory = {"device.sip.uri": [60.0, 100.0, 9.0], "typing": [428.0, 500.0, 9.0]}
    seconds = {"device.sip.uri": [0.0, 52.0, 0.75], "device.sip.via": [0.0, 8.0, 0.25]}
    costs = imports.merge(memory, seconds)
    assert costs[0] == imports.ModuleCost("typing", 428.0, 0.0, 0.0)
    sip = next(cost for cost in imports.packages(costs) if cost.name == "device.sip")
    assert (sip.allocated_kib, sip.resident_kib, sip.ms) == (60.0, 60.0, 1.0)
    assert "all 3 modules" in imports.table(costs)


def test_options_change_the_extent(tmp_path: Path) -> None:
    assert extent_of(parse_options(["--quick", "--calls", "10000"])).calls == 10_000
    assert extent_of(parse_options(["--talk", "60"])).talk_s == 60
    assert parse_options(["--only", "rest,talk"]).only == ["rest", "talk"]
    with pytest.raises(SystemExit):
        parse_options(["--only", "nothing"])
    with working_folder(tmp_path / "kept") as folder:
        assert folder.is_dir()
    with working_folder(None) as passing:
        assert passing.is_dir()
    assert not passing.exists()
