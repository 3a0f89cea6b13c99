"""No session description makes more work than its length deserves: read, answered and read as an answer."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from device.sdp.errors import SdpError
from device.sdp.offer_answer import build_answer, build_offer, find_audio, read_answer
from device.sdp.parser import parse_sdp
from tests.sdp.test_offer_answer import LOCAL
from tests.support.work import growth

SIZE = 400
MOST = 4.6
"""The allowed growth of work when an input is four times as long; a square would be sixteen."""

HEAD = "v=0\r\no=- 1 1 IN IP4 198.51.100.2\r\ns=-\r\nc=IN IP4 198.51.100.2\r\nt=0 0\r\n"
AUDIO = "m=audio 5000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"

DESCRIPTIONS: dict[str, Callable[[int], str]] = {
    "formats": lambda size: HEAD + "m=audio 5000 RTP/AVP" + " 0" * size + "\r\n",
    "unknown formats": lambda size: HEAD + "m=audio 5000 RTP/AVP " + " ".join(str(n) for n in range(size)) + "\r\n",
    "formats and mappings": lambda size: (
        HEAD + "m=audio 5000 RTP/AVP" + " 99" * size + "\r\n" + "a=rtpmap:98 X/8000\r\n" * size
    ),
    "mappings of one format": lambda size: HEAD + AUDIO + "a=rtpmap:101 telephone-event/8000\r\n" * size,
    "parameters": lambda size: HEAD + AUDIO + "a=fmtp:101 0-15\r\n" * size,
    "events": lambda size: HEAD + AUDIO + "a=fmtp:101 0-15" + ",1" * size + "\r\n",
    "session attributes": lambda size: HEAD + "a=x\r\n" * size + AUDIO * 20,
    "media": lambda size: HEAD + AUDIO * (size // 30),
    "too many media": lambda size: HEAD + AUDIO * size,
    "unknown lines": lambda size: HEAD + "z=1\r\n" * size + AUDIO,
    "connections": lambda size: HEAD + "c=IN IP4 1.2.3.4\r\n" * size + AUDIO,
    "line ends": lambda size: HEAD + "\n" * size + AUDIO,
    "spaces": lambda size: HEAD + "m=audio" + " " * size + "5000 RTP/AVP 0" + " " * size + "\r\n",
    "slashes": lambda size: HEAD + "m=audio 5000" + "/1" * size + " RTP/AVP 0\r\n",
    "a long name": lambda size: HEAD + "s=" + "x" * size + "\r\n" + AUDIO,
    "digits": lambda size: HEAD + "m=audio " + "9" * size + " RTP/AVP 0\r\n",
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_description(name: str) -> None:
    def work(size: int) -> Callable[[], None]:
        data = DESCRIPTIONS[name](size).encode()

        def action() -> None:
            with suppress(SdpError):
                description = parse_sdp(data)
                find_audio(description)
                with suppress(SdpError):
                    build_answer(description, LOCAL, 1)
                read_answer(build_offer(LOCAL, 1), description, LOCAL)

        return action

    assert growth(work, SIZE) < MOST
