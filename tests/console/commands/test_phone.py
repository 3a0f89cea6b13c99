from tests.console.desk import Desk, FakePhone


def test_a_call_from_the_console() -> None:
    entries = {"entries": [{"name": "Front door", "target": "sip:d@x", "short_code": ""}]}
    phone = FakePhone(
        call__place={"call": "c1"},
        phonebook__list=entries,
        call__record={"call": "c1", "path": "/r/door.wav"},
        **{
            f"call__{name}": {"call": "c1"}
            for name in ("answer", "hangup", "hold", "resume", "digits", "record_stop", "play", "play_stop")
        },
    )
    desk = Desk(phone)
    assert desk.run("call 1002") == ["calling 1002 (call c1); `show calls` tells how it goes"]
    # A name with a blank gets its quotes from the tab key.
    desk.type("call \t\r")
    assert [given["target"] for given in phone.calls_of("call.place")] == ["1002", "Front door"]
    assert desk.run("answer") == ["answered"]
    assert desk.run("hold c1") == ["on hold"]
    assert desk.run("resume") == ["off hold"]
    assert desk.run("dtmf 12#") == ["sent"]
    assert desk.run("record door.wav") == ["recording to /r/door.wav; `record stop` ends it"]
    assert desk.run("record stop") == ["the recording has ended"]
    assert desk.run("play /m.wav") == ["playing to both sides; `play stop` ends it"]
    assert desk.run("play stop") == ["nothing plays any more"]
    assert desk.run("hangup") == ["hung up"]
    assert phone.calls_of("call.record") == [{"path": "door.wav"}]
    assert phone.calls_of("call.play") == [{"path": "/m.wav"}]
    assert phone.calls_of("call.hold") == [{"call": "c1"}]
    assert phone.calls_of("call.digits") == [{"digits": "12#"}]


def test_registering_now() -> None:
    accounts = {"accounts": [{"id": "office", "aor": "sip:1@x"}]}
    phone = FakePhone(account__list=accounts, registration__refresh={"accounts": ["office"]})
    desk = Desk(phone)
    assert desk.run("register office") == ["registering office: see `show registrations`"]
    phone.answers["registration.refresh"] = {"accounts": []}
    assert desk.run("register") == ["no account registers"]


def test_a_phone_that_is_down_is_told() -> None:
    phone = FakePhone()
    phone.is_up = False
    assert Desk(phone).run("call 1002") == ["the phone does not answer"]


def test_a_text_is_sent_and_its_outcome_told() -> None:
    desk = Desk(FakePhone(message__send={"message": "m-1"}), columns=120)
    desk.type("message 1002 The parcel is here.\r")
    assert desk.phone.calls_of("message.send") == [{"target": "1002", "text": "The parcel is here."}]
    desk.happen("message", event="sent", message="m-0", text="delivered")
    assert desk.happen("message", event="sent", message="m-1", text="delivered")[-2:] == ["delivered", "offhook#"]
    desk.type("message 1002 again\r")
    assert desk.happen("message", event="failed", message="m-1", text="busy")[-2] == "not sent: busy"
    desk.type("message 1002 again\r")
    desk.wait(30)
    desk.happen("message", event="sent", message="m-0", text="delivered")
    assert desk.wait(11)[-2] == "no answer came in time; the other messages before it may take long: see `show log`"


def test_a_transfer_is_followed_to_its_outcome() -> None:
    desk = Desk(FakePhone(call__transfer={"call": "c7"}), columns=120)
    desk.type("transfer 1003\r")
    assert desk.phone.calls_of("call.transfer") == [{"target": "1003"}]
    desk.happen("call", event="transferring", call="c7")
    assert desk.happen("call", event="transferred", call="c7")[-2:] == ["transferred", "offhook#"]
    desk.type("transfer\r")
    lines = desk.happen("call", event="transfer-failed", call="c7", text="busy")
    assert lines[-2] == "not transferred: busy; the call goes on here"
    desk.type("transfer\r")
    for _ in range(20):
        desk.wait(11)
        lines = desk.happen("call", event="quality", call="c7")
    assert lines[-2] == "the outcome of the transfer is not known yet: see `show calls`"


def test_the_phone_book_is_kept_at_the_console() -> None:
    desk = Desk(FakePhone(phonebook__add={}, phonebook__remove={}), columns=120)
    assert desk.run('phonebook add "Front door" sip:door@192.0.2.7 11') == ["Front door is in the phone book"]
    assert desk.run('phonebook remove "Front door"') == ["Front door is out of the phone book"]
    assert desk.phone.calls_of("phonebook.add") == [
        {"name": "Front door", "target": "sip:door@192.0.2.7", "short_code": "11"}
    ]
    assert desk.phone.calls_of("phonebook.remove") == [{"name": "Front door"}]
