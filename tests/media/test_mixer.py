"""Several sounds at once."""

from array import array

from device.media.mixer import mix_frames


def fragment(*samples: int) -> bytes:
    return array("h", samples).tobytes()


def test_nothing_to_mix_is_silence() -> None:
    assert mix_frames([], 3) == bytes(6)


def test_one_sound_passes_as_it_is() -> None:
    sound = fragment(1, 2, 3)
    assert mix_frames([sound], 3) is sound


def test_the_sum_saturates_and_fits_the_frame() -> None:
    frames = [fragment(30000, 1), fragment(30000, 1, 5, 9), fragment(-1, -1, -1)]
    assert mix_frames(frames, 3) == fragment(32766, 1, 4)
