"""G.722 at 64 kbit/s."""

from device.media.codecs import new_codec
from tests.media.codecs.test_codecs import through
from tests.media.goertzel import level_db
from tests.media.test_concealment import voiced


def test_its_time_stamps_run_at_half_of_its_samples() -> None:
    codec = new_codec("G722")
    payload = codec.encode(bytes(640))
    assert (len(payload), codec.duration(payload)) == (160, 160)
    assert codec.payload_type == 9


def test_what_is_above_4_khz_comes_through() -> None:
    tone = voiced(1250, 0, 16000, 16000)  # its fifth partial is at 6250 Hz
    heard = through(new_codec("G722"), tone)
    assert abs(level_db(heard[8000:24000], 6250, 16000) - level_db(tone[8000:24000], 6250, 16000)) < 1.5
