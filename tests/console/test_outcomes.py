from device.console.outcomes import (
    MESSAGE_PATIENCE_S,
    TRANSFER_PATIENCE_S,
    message_outcome,
    message_words,
    transfer_outcome,
    transfer_words,
)
from device.control.client import DaemonEvent


def call(event: str, **more: object) -> DaemonEvent:
    return DaemonEvent("call", {"event": event, **more})


def test_a_transfer_ends_in_one_of_two_ways() -> None:
    step = transfer_outcome()
    assert step.timeout_s == TRANSFER_PATIENCE_S
    assert step.wanted is not None
    done, failed = call("transferred"), call("transfer-failed", text="busy")
    assert [step.wanted(event) for event in (done, failed)] == [True, True]
    others = (call("transferring"), DaemonEvent("phone", {"event": "transferred"}))
    assert [step.wanted(event) for event in others] == [False, False]
    assert transfer_words(done, "x") == (True, "transferred")
    assert transfer_words(failed, "x") == (False, "not transferred: busy; the call goes on here")
    assert transfer_words(None, "show calls") == (
        False,
        "the outcome of the transfer is not known yet: see `show calls`",
    )


def test_a_text_is_told_from_the_others() -> None:
    step = message_outcome("m-1")
    assert step.timeout_s == MESSAGE_PATIENCE_S
    assert step.wanted is not None
    sent = DaemonEvent("message", {"event": "sent", "message": "m-1", "text": "delivered"})
    failed = DaemonEvent("message", {"event": "failed", "message": "m-1", "text": "busy"})
    other = DaemonEvent("message", {"event": "sent", "message": "m-2", "text": "delivered"})
    assert [step.wanted(event) for event in (sent, failed, other, call("sent", message="m-1"))] == [
        *(True, True),
        *(False, False),
    ]
    assert message_words(sent, "x") == (True, "delivered")
    assert message_words(failed, "x") == (False, "not sent: busy")
    assert message_words(None, "show log")[1].endswith("see `show log`")
