"""Recording and playing by the control socket: which call, which file, and what is told."""

import stat
import wave
from array import array
from pathlib import Path

import pytest

from device.audio.recording import Recording
from device.control.errors import FAILED, INVALID_PARAMS, REFUSED
from device.model import CallId
from device.phone.states import PhoneState
from device.store import factory_reset
from tests.audio.test_playing import wav
from tests.support.turning import HandLoop
from tests.support.whole_phone import FarEnd, WholePhone, sdp, whole_phone

S = PhoneState


def ended(phone: WholePhone, kind: str) -> dict[str, object]:
    """What was told of a file whose use has ended."""

    def found() -> list[dict[str, object]]:
        return [told for told in phone.control.topic("audio") if kind in told]

    phone.loop.turn_until(found, f"the end of what is {kind}")
    return found()[-1]


def test_a_call_is_recorded_beside_the_store(talking: WholePhone, tmp_path: Path) -> None:
    talking.control.call("subscribe", topics=["audio"])
    answer = talking.control.call("call.record")
    path = Path(answer["path"])
    assert path.parent == tmp_path / "recordings"
    assert path.name.endswith(f"-{answer['call']}.wav")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert talking.control.call("call.list")["calls"][0]["recording"] == str(path)
    twice = talking.control.refusal("call.record")
    assert twice.code == FAILED
    assert f"is recorded to {path} already; end that recording first" in str(twice)
    talking.control.call("call.record_stop")
    assert talking.control.call("call.list")["calls"][0]["recording"] == ""
    assert "is not recorded" in str(talking.control.refusal("call.record_stop"))
    told = ended(talking, "recorded")
    assert (told["call"], told["recorded"], told["fault"]) == (answer["call"], str(path), "")
    with wave.open(str(path)) as file:
        assert file.getnchannels() == 2


def test_the_end_of_the_call_ends_the_recording(talking: WholePhone, tmp_path: Path) -> None:
    talking.control.call("subscribe", topics=["audio"])
    talking.control.call("call.record", path="a.wav")
    talking.control.call("call.hangup")
    assert ended(talking, "recorded")["recorded"] == str(tmp_path / "recordings" / "a.wav")


def test_the_end_of_the_daemon_ends_the_recording(loop: HandLoop, tmp_path: Path, far_end: FarEnd) -> None:
    with whole_phone(loop, tmp_path) as phone:
        phone.place(far_end.target)
        far_end.answer()
        phone.wait(S.CONNECTED)
        path = phone.control.call("call.record")["path"]
    with wave.open(path) as file:
        assert file.getnchannels() == 2


def test_names_and_paths(talking: WholePhone, tmp_path: Path) -> None:
    control = talking.control
    for name in ("../a.wav", "b/a.wav", ".hidden", ".."):
        assert control.refusal("call.record", path=name).code == INVALID_PARAMS
    whole = str(tmp_path / "whole.wav")
    assert control.call("call.record", path=whole)["path"] == whole
    control.call("call.record_stop")
    again = control.refusal("call.record", path=whole)
    assert again.code == FAILED
    assert "exists" in str(again)
    assert control.refusal("call.play", path="music.wav").code == INVALID_PARAMS
    missing = control.refusal("call.play", path=str(tmp_path / "none.wav"))
    assert missing.code == FAILED
    assert "cannot be played: No such file" in str(missing)


def test_without_a_call_nothing_is_recorded_or_played(phone: WholePhone, tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", [1] * 160)
    for method, params in (("record", {}), ("play", {"path": path}), ("record_stop", {}), ("play_stop", {})):
        refusal = phone.control.refusal(f"call.{method}", **params)
        assert refusal.code == REFUSED
        assert "there is no call" in str(refusal)
    assert phone.control.refusal("call.record", call="c9").code == REFUSED
    assert not (tmp_path / "recordings").exists()


def test_a_file_is_played_and_its_end_told(talking: WholePhone, tmp_path: Path) -> None:
    talking.control.call("subscribe", topics=["audio"])
    path = wav(tmp_path / "a.wav", [1000] * 800)
    assert talking.control.call("call.play", path=path)["path"] == path
    assert ended(talking, "played")["fault"] == ""
    talking.control.call("call.play", path=wav(tmp_path / "long.wav", [1000] * 80000))
    talking.control.call("call.play_stop")
    assert ended(talking, "played")["fault"] == ""


def test_too_little_room_is_an_answer(talking: WholePhone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recording, "_no_room", lambda self: "less than 64 MB are left on the disk")
    refusal = talking.control.refusal("call.record")
    assert refusal.code == FAILED
    assert "cannot be recorded to: less than 64 MB are left" in str(refusal)


def test_music_on_hold(loop: HandLoop, tmp_path: Path, far_end: FarEnd) -> None:
    path = wav(tmp_path / "m.wav", [1000] * 8000)
    with whole_phone(loop, tmp_path, {"media.hold_music": path}) as phone:
        assert not phone.notices
        phone.place(far_end.target)
        far_end.answer()
        phone.wait(S.CONNECTED)
        far_end.answer_to_offers = sdp(more="a=recvonly\r\n")
        phone.control.call("call.hold")
        phone.wait(S.HELD)
        engine = phone.parts.engine

        def music() -> list[bool] | None:
            """Whether each call has music; None before the audio thread has come to life."""
            inside = engine._inside
            return [leg._music is not None for leg in list(inside._bridge._legs.values())] if inside else None

        loop.turn_until(lambda: music() == [True], "music")
        far_end.answer_to_offers = sdp()
        phone.control.call("call.resume")
        loop.turn_until(lambda: music() == [False], "no music")


def test_a_missing_file_of_music_is_a_notice(loop: HandLoop, tmp_path: Path) -> None:
    with whole_phone(loop, tmp_path, {"media.hold_music": "/none/m.wav"}) as phone:
        (notice,) = phone.notices
        assert notice.startswith("media.hold_music: /none/m.wav cannot be played: No such file")
        assert notice.endswith("those on hold hear silence")


def test_a_factory_reset_erases_recordings(tmp_path: Path) -> None:
    store = tmp_path / "phone.db"
    store.write_bytes(b"x")
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "a.wav").write_bytes(array("h", [1] * 100).tobytes())
    factory_reset.request_reset(str(store), {})
    assert factory_reset.erase(str(store)) is not None
    assert not folder.exists()


def test_the_name_of_the_call_is_taken(talking: WholePhone) -> None:
    (call,) = talking.control.call("call.list")["calls"]
    assert talking.control.call("call.record", call=call["call"])["call"] == CallId(call["call"])
