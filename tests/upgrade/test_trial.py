"""The trial of a new version, second by second: kept when it is ready, steady and registered, given up otherwise."""

from device.annotations import Any
from device.upgrade.trial import READY_WITHIN_S, REGISTERED_WITHIN_S, STEADY_S, Trial


def status(pid: int = 7, **states: str) -> dict[str, Any]:
    return {"pid": pid, "accounts": [{"id": name, "state": state} for name, state in states.items()]}


def test_ready_steady_and_registered_is_good() -> None:
    trial = Trial(["office"], 0.0)
    assert trial.observe(None, 5.0) is None
    assert trial.observe(status(office="registered"), 10.0) is None
    assert trial.observe(status(office="registered"), 10.0 + STEADY_S - 1) is None
    verdict = trial.observe(status(office="registered"), 10.0 + STEADY_S)
    assert verdict is not None
    assert verdict.good
    assert verdict.reason == "ready, and registered: office"


def test_without_accounts_that_were_registered_ready_is_enough() -> None:
    trial = Trial([], 0.0)
    assert trial.observe(status(office="failed"), 1.0) is None
    verdict = trial.observe(status(office="failed"), 1.0 + STEADY_S)
    assert verdict is not None
    assert verdict.good


def test_a_phone_that_never_answers_is_given_up() -> None:
    trial = Trial(["office"], 100.0)
    assert trial.observe(None, 100.0 + READY_WITHIN_S - 1) is None
    verdict = trial.observe(None, 100.0 + READY_WITHIN_S)
    assert verdict is not None
    assert not verdict.good
    assert "did not become ready" in verdict.reason


def test_a_phone_that_does_not_register_is_given_up_with_the_servers_words() -> None:
    trial = Trial(["office", "door"], 0.0)
    answer = status(office="registered", door="failed")
    answer["accounts"][1] |= {"status": 403, "text": "Forbidden"}
    assert trial.observe(answer, 10.0) is None
    assert trial.observe(answer, 9.0 + REGISTERED_WITHIN_S) is None
    verdict = trial.observe(answer, 10.0 + REGISTERED_WITHIN_S)
    assert verdict is not None
    assert not verdict.good
    assert verdict.reason == "not registered in time: door (failed, 403 Forbidden)"


def test_an_account_that_is_gone_counts_as_not_registered() -> None:
    trial = Trial(["office"], 0.0)
    assert trial.observe(status(), 0.0) is None
    verdict = trial.observe(status(), REGISTERED_WITHIN_S)
    assert verdict is not None
    assert "office (gone)" in verdict.reason


def test_a_phone_that_dies_again_and_again_is_given_up() -> None:
    trial = Trial([], 0.0)
    verdict = None
    for second in range(0, int(2 * REGISTERED_WITHIN_S), 10):
        verdict = trial.observe(status(pid=second) if second % 20 else None, float(second))
        if verdict is not None:
            break
    assert verdict is not None
    assert not verdict.good
    assert "did not stay ready" in verdict.reason
    assert "restarts" in verdict.reason


def test_what_is_waited_for_is_told() -> None:
    trial = Trial(["office"], 0.0)
    assert trial.waits_for(None) == "the phone is not ready"
    assert trial.waits_for(status(office="trying")) == "not registered yet: office (trying)"
    assert trial.waits_for(status(office="registered")) == "watching whether it stays ready"
