"""How long an announcement is: loaded by the phones that have one."""

from device import plain_logging as logging
from device.audio.wav_format import open_wav

logger = logging.getLogger(__name__)

BYTES_A_SAMPLE = 2


def seconds_of(path: str) -> float:
    """The length of a WAV file; 0 for one that cannot be played, which the log tells of: calls go on without it."""
    try:
        file, layout = open_wav(path)
    except (OSError, ValueError) as error:
        logger.error("the announcement %s cannot be played (phone.announcement): %s", path, error)
        return 0.0
    file.close()
    return layout.data_bytes / (BYTES_A_SAMPLE * layout.channels * layout.rate_hz)
