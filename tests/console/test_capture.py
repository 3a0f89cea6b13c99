"""A capture file that grows, and what ends it."""

from pathlib import Path

import pytest

from device.console import capture as capture_module
from device.console.capture import Capture
from device.console.errors import ConsoleError
from device.console.pcap import file_header, packet_of

MESSAGE = {"at": 1.0, "direction": "in", "peer": "udp:192.0.2.9:5060", "text": "OPTIONS sip:x SIP/2.0\r\n\r\n"}


def test_each_message_is_in_the_file_as_soon_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "night.pcap"
    capture = Capture(str(path))
    assert path.read_bytes() == file_header()
    capture.write(MESSAGE)
    assert path.read_bytes() == file_header() + packet_of(MESSAGE)
    assert capture.words() == f"1 message, {path.stat().st_size} bytes"
    capture.write({**MESSAGE, "peer": "tls:a.name"})
    assert capture.messages == 1
    capture.close()


def test_a_place_that_cannot_be_written_says_so_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConsoleError, match=r"/gone/x.pcap: No such file or directory; name another file"):
        Capture(str(tmp_path / "gone" / "x.pcap"))
    store = tmp_path / "offhook.db"
    store.write_bytes(b"SQLite format 3\x00")
    with pytest.raises(ConsoleError, match="there is a file of another kind; name another file"):
        Capture(str(store))


def test_a_full_card_says_how_much_there_is() -> None:
    with pytest.raises(ConsoleError, match="/dev/full: No space left on device; it has 0 messages, 0 b"):
        Capture("/dev/full")


def test_a_capture_that_somebody_forgot_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture = Capture(str(tmp_path / "x.pcap"))
    monkeypatch.setattr(capture_module, "MOST_BYTES", capture.bytes + len(packet_of(MESSAGE)))
    capture.write(MESSAGE)
    with pytest.raises(ConsoleError, match="which is enough: begin another one"):
        capture.write(MESSAGE)
    capture.close()
