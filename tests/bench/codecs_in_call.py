"""What a call costs by its codec: CPU and memory of ours, baresip and linphonec, each in the same call at once."""

import shutil
import socket
import time
from contextlib import ExitStack
from random import Random

from device.media.codecs import codec_class
from device.media.pcm import from_array, to_array
from tests.bench import budgets
from tests.bench.bench import Bench
from tests.bench.caller import Caller
from tests.bench.figures import Figure
from tests.bench.phones import BenchPhone, running
from tests.bench.process_figures import cpu_s, memory_mib
from tests.bench.registrar import HOST
from tests.bench.wide_phones import WIDE_OFFERS, Linphone, WideBaresip, WideOffhook
from tests.quality.listening import packets_of

TOPIC = "codecs"
SETTLE_S = 2.0
FRAME_S = 0.02
LOUDNESS = 3000


def measure(bench: Bench) -> list[Figure]:
    """One call to each phone for every codec. linphonec is left out where it is not installed."""
    kinds: list[type[BenchPhone]] = [WideOffhook, WideBaresip]
    if shutil.which("linphonec"):
        kinds.append(Linphone)
    return [figure for codec in WIDE_OFFERS for figure in _costs(bench, codec, kinds)]


def _costs(bench: Bench, codec: str, kinds: list[type[BenchPhone]]) -> list[Figure]:
    seconds = bench.extent.talk_s
    phones = [bench.phone(kind, f"{kind.name}-{codec.lower()}") for kind in kinds]
    with ExitStack() as stack:
        stack.enter_context(running(*phones))
        far_ends = [stack.enter_context(FarEnd(phone, codec)) for phone in phones]
        talk(far_ends, SETTLE_S)
        before = [cpu_s(phone.pid) for phone in phones]
        heard = [far_end.received for far_end in far_ends]
        talk(far_ends, seconds)
        cpu = [(cpu_s(phone.pid) - old) * 60 / seconds for phone, old in zip(phones, before, strict=True)]
        memory = [memory_mib(phone.pid)[0] for phone in phones]
        for far_end, old in zip(far_ends, heard, strict=True):
            far_end.check(far_end.received - old, seconds)
    figures = []
    for phone, its_cpu, its_memory in zip(phones[1:], cpu[1:], memory[1:], strict=True):
        gate = budgets.codec_cpu_gate(codec, bench.baresip_major) if phone.name == "baresip" else budgets.NO_GATE
        figures += [
            Figure(TOPIC, f"CPU per 60 s of {codec} call", "s", cpu[0], its_cpu, phone.name, gate),
            Figure(TOPIC, f"resident memory in a {codec} call", "MiB", memory[0], its_memory, phone.name),
        ]
    return figures


class FarEnd:
    """A call to a phone, with noise in the codec's packets. A context manager."""

    def __init__(self, phone: BenchPhone, codec: str) -> None:
        self._phone = phone
        self._codec = codec
        self._packets = packets_of(codec, noise(codec_class(codec).sample_rate_hz, 30))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.setblocking(False)
        self._number = 0
        self.received = 0

    def __enter__(self) -> "FarEnd":
        offer = WIDE_OFFERS[self._codec]
        port = int(self._socket.getsockname()[1])
        self._caller = Caller(self._phone.user, self._phone.port, port, offer=offer).__enter__()
        self._call = self._caller.place()
        return self

    def __exit__(self, *_: object) -> None:
        self._caller.hang_up(self._call)
        self._caller.__exit__()
        self._socket.close()

    def exchange(self) -> None:
        """Send the next packet, take what has come."""
        packet = self._packets[self._number % len(self._packets)]
        header = bytearray(packet[:12])
        header[2:4] = (self._number & 0xFFFF).to_bytes(2, "big")
        units = codec_class(self._codec).clock_rate_hz // 50
        header[4:8] = (self._number * units & 0xFFFFFFFF).to_bytes(4, "big")
        self._socket.sendto(header + packet[12:], (HOST, self._call.audio_port))
        self._number += 1
        try:
            while True:
                data = self._socket.recv(2048)
                self.received += len(data) > 12 and data[1] & 0x7F == packet[1] & 0x7F
        except BlockingIOError:
            pass

    def check(self, received: int, seconds: float) -> None:
        """An AssertionError tells of a phone that did not send what was agreed on."""
        share = received / (50 * seconds)
        assert 0.9 < share < 1.1, f"{self._phone.name} sent {share:.0%} of the packets of a call with {self._codec}"


def noise(rate_hz: int, seconds: int) -> bytes:
    """Something that no codec takes for silence."""
    random = Random(3)
    samples = to_array(bytes(2 * rate_hz))
    for index in range(rate_hz):
        samples[index] = int(random.gauss(0, LOUDNESS / 3))
    return from_array(samples) * seconds


def talk(far_ends: list[FarEnd], seconds: float) -> None:
    """Let every far end send and receive for so long."""
    began = time.monotonic()
    for frame in range(round(seconds / FRAME_S)):
        for far_end in far_ends:
            far_end.exchange()
        time.sleep(max(0.0, began + (frame + 1) * FRAME_S - time.monotonic()))
