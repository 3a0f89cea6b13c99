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
