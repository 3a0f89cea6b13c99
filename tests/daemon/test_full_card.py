"""A card without room in the middle of a call: a clear word for whoever commits, and the call goes on."""

from tests.support.whole_phone import WholePhone


def test_a_full_card_refuses_a_commit_and_the_call_goes_on(talking: WholePhone) -> None:
    database = talking.database
    (pages,) = database.query("PRAGMA page_count")[0]
    database.query(f"PRAGMA max_page_count = {pages}")
    refusal = talking.control.refusal("config.commit", settings={"phone.button_targets": "door=" + "1" * 20_000})
    assert "no space left, nothing was written: free some space in" in refusal.message
    assert talking.control.call("settings.get", key="phone.button_targets")["value"] == ""
    assert talking.control.call("status")["phone"]["state"] == "connected"
    (call,) = talking.control.call("call.list")["calls"]
    talking.control.call("call.hangup", call=call["call"])
    database.query("PRAGMA max_page_count = 1073741823")
    assert talking.control.call("config.commit", settings={"phone.hotline": "1002"})["number"]


def test_a_store_that_can_only_be_read_refuses_and_the_call_goes_on(talking: WholePhone) -> None:
    talking.database.query("PRAGMA query_only = on")
    refusal = talking.control.refusal("config.commit", settings={"phone.hotline": "1002"})
    assert "cannot be written, nothing was changed" in refusal.message
    assert talking.control.call("status")["phone"]["state"] == "connected"
    talking.database.query("PRAGMA query_only = off")
    assert talking.control.call("config.commit", settings={"phone.hotline": "1002"})["number"]
