"""Delay, processor time and xruns of the audio thread on the fake card: `python -m tests.bench.sound_delay [SECONDS]`.

The ear: from the arrival of an RTP packet to its first sample leaving the card. The mouth: from the first sample of
a packet at the card to the packet on the wire. Both are taken from the fake card's own clock, so nothing is estimated.
"""

import gc
import json
import os
import resource
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterable
from pathlib import Path

from device.audio.commands import AttachStream
from device.audio.devices import make_device
from device.audio.engine import AudioEngine
from device.audio.settings import AudioSettings
from device.ids import SystemIds
from device.media import pcm
from device.model import CallId
from device.net.rtp_socket import open_rtp_sockets
from tests.support.fakecard.card import IMPULSE, PCMS, RECORD, FakeCard, build, why_not
from tests.support.streams import stream_parameters

HOST = "127.0.0.1"
RTP_HEADER = struct.Struct("!BBHII")
SILENCE = pcm.encode_ulaw(bytes(320))
BURST = pcm.encode_ulaw(array("h", [12000, 12000, -12000, -12000] * 40).tobytes())
BURST_EVERY = 37
"""Packets: a prime number, so that bursts fall on all phases of a second."""
LOUD = 5000


def peer(far_port: int, own_port: int, seconds: float) -> None:
    """The far end, in a process of its own: a packet each 20 ms, now and then a burst; notes what comes and when."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, own_port))
        sock.setblocking(False)
        bursts: list[float] = []
        heard: list[tuple[float, bytes]] = []
        due = time.monotonic() + 0.3
        for number in range(int(seconds * 50)):
            due += 0.02
            while (left := due - time.monotonic()) > 0:
                if select.select([sock], [], [], left)[0]:
                    data = sock.recv(2048)
                    heard.append((time.monotonic(), data[12:]))
            is_burst = number % BURST_EVERY == BURST_EVERY - 1
            header = RTP_HEADER.pack(0x80, 0, number & 0xFFFF, number * 160, 99)
            sock.sendto(header + (BURST if is_burst else SILENCE), (HOST, far_port))
            if is_burst:
                bursts.append(time.monotonic())
    mouth = [(at, first_loud(array("h", pcm.decode_ulaw(data)))) for at, data in heard if len(data) == 160]
    json.dump({"bursts": bursts, "mouth": [pair for pair in mouth if pair[1] is not None]}, sys.stdout)


def first_loud(samples: Iterable[int]) -> int | None:
    """Where a burst begins."""
    return next((index for index, sample in enumerate(samples) if abs(sample) > LOUD), None)


def ear_delays(card: FakeCard, rate_hz: int, sent: list[float]) -> list[float]:
    """Seconds from each burst's packet to the card, over a run without an xrun."""
    log = [line.split() for line in (card.directory / "log").read_text().splitlines()]
    started_at = next(int(line[1]) for line in log if line[0] == "start") / 1e9
    played, heard, at = card.played(), [], 0
    while (found := first_loud(played[at : at + rate_hz])) is not None or at + rate_hz < len(played):
        if found is None:
            at += rate_hz
            continue
        heard.append(started_at + (at + found) / rate_hz)
        at += found + rate_hz // 10
    pairs = [(burst, next((at for at in heard if at >= burst), None)) for burst in sent]
    return [at - burst for burst, at in pairs if at is not None and at - burst < 0.5]


def mouth_delays(packets: list[tuple[float, int]]) -> list[float]:
    """Seconds from a packet's first sample to its arrival; the card bursts at each whole second of the clock."""
    return [at % 1 + offset / 8000 for at, offset in packets if at % 1 < 0.5]


def spread(values: list[float]) -> str:
    """Middle and ends in ms."""
    ordered = sorted(1000 * value for value in values)
    if not ordered:
        return "nothing heard"
    return f"p50 {ordered[len(ordered) // 2]:5.1f}  min {ordered[0]:5.1f}  max {ordered[-1]:5.1f} ms"


def measure(library: Path, directory: Path, name: str, seconds: float) -> str:
    """One call on the card `name`, as a line of figures."""
    card = FakeCard(library, directory)
    os.environ["ALSA_CONFIG_PATH"] = str(card.configuration)
    card[IMPULSE] = card[RECORD] = 1
    settings = AudioSettings(kind="alsa", capture_device=name, playback_device=name)
    engine = AudioEngine(settings, lambda: make_device(settings), lambda: None)
    near = open_rtp_sockets(HOST, 21000, 25998, SystemIds())
    far = open_rtp_sockets(HOST, 26000, 29998, SystemIds())
    far_port, near_port = far.local_port, near.local_port
    far.close()
    command = [sys.executable, "-m", "tests.bench.sound_delay", "peer", str(near_port), str(far_port), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        gc.collect()
        gc.freeze()
        before = resource.getrusage(resource.RUSAGE_SELF)
        parameters = stream_parameters(remote=(HOST, far_port), remote_rtcp=(HOST, far_port + 1))
        engine.submit(AttachStream(CallId("bench"), parameters, near.rtp, near.rtcp))
        time.sleep(seconds)
        after = resource.getrusage(resource.RUSAGE_SELF)
        counters = engine.counters()
        engine.close()
        told = json.loads(child.communicate()[0])
    busy_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rate_hz = PCMS[name][0] if name in PCMS else 48000
    return (
        f"{name:8} ear {spread(ear_delays(card, rate_hz, told['bursts']))}   "
        f"mouth {spread(mouth_delays(told['mouth']))}   "
        f"CPU {60 * busy_s / seconds:.2f} s per 60 s   "
        f"{(after.ru_nvcsw - before.ru_nvcsw) / seconds:.0f} wake-ups/s   "
        f"xruns {counters.capture_xruns} and {counters.playback_xruns}"
    )


def main(arguments: list[str]) -> int:
    """Measure the cards one after the other."""
    if arguments[:1] == ["peer"]:
        peer(int(arguments[1]), int(arguments[2]), float(arguments[3]))
        return 0
    if reason := why_not():
        sys.stderr.write(f"the fake sound card cannot be built: {reason}\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="sound-delay-") as place:
        library = build(Path(place))
        for name in ("card8", "plug48", "card48"):
            sys.stdout.write(measure(library, Path(place) / name, name, float((arguments or ["30"])[0])) + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
