"""Two phones of one kind within a virtual board, each with a sound card of its own, in a call with each other."""

import signal
from collections.abc import Sequence

from device.demo.measure import RATE_HZ, Recording, read_wav
from tests.bench.phones import BARESIP_CONFIGURATION, BARESIP_MODULES
from tests.board.uml_rig import UmlRig
from tests.support.processes import wait_until

HOST = "127.0.0.1"
NEAR = "plughw:CARD=Loopback,DEV=0,SUBDEV={}"
"""The phones' ends of the card: what is played here is captured at the same place of the far end."""
FAR = "hw:CARD=Loopback,DEV=1,SUBDEV={}"
PATIENCE_S = 20.0
PLACES = (2, 3)
"""Of the card; the board's own phone has the first."""


class Pair:
    """Who speaks and who hears. A context manager: both run, and are in a call with each other."""

    name = ""

    def __init__(self, rig: UmlRig) -> None:
        self.rig = rig
        self.ports = (5071, 5081)
        self.folders = [f"{rig.share_inside}/{self.name}-{place}" for place in PLACES]

    def __enter__(self) -> "Pair":
        for number in (1, 0):  # who is called first
            self._make(number)
            self.rig.agent.ask(
                "spawn",
                name=f"pair-{number}",
                command=self.command(number),
                log_path=f"{self.folders[number]}/log",
                environment={"HOME": self.folders[number]},
            )
        wait_until(f"two phones ({self.name}) to be in a call", self.talking, PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        for number in (0, 1):
            self.rig.agent.ask("end", name=f"pair-{number}", signal=int(signal.SIGKILL))

    def _make(self, number: int) -> None:
        folder = self.rig.share / f"{self.name}-{PLACES[number]}"
        folder.mkdir(exist_ok=True)
        for name, text in self.files(number).items():
            (folder / name).write_text(text)

    def files(self, number: int) -> dict[str, str]:
        return {}

    def command(self, number: int) -> Sequence[str]:
        raise NotImplementedError

    def talking(self) -> bool:
        raise NotImplementedError

    def said_and_heard(self, seconds: float) -> tuple[Recording, Recording]:
        """Speech at the mouth of the one, and what comes out at the ear of the other."""
        agent = self.rig.agent
        agent.ask("start_playing", device=FAR.format(PLACES[0]), file="speech.wav")
        agent.ask("record", device=FAR.format(PLACES[1]), rate_hz=RATE_HZ, file="heard-far.wav")
        agent.ask("sleep", seconds=seconds)
        heard, said = (agent.ask("end_sound", name=name) for name in ("record", "play"))
        return (
            read_wav(self.rig.share / "speech.wav", agent.on_host(said["started_at"])),
            read_wav(self.rig.share / "heard-far.wav", agent.on_host(heard["started_at"])),
        )


class OffhookPair(Pair):
    """Two of ours, calling straight by IP."""

    name = "offhook"

    def command(self, number: int) -> Sequence[str]:
        settings = {
            "sip.bind_address": HOST,
            "sip.port": str(self.ports[number]),
            "hardware.board": "simulated",
            "audio.kind": "alsa",
            "audio.capture_device": NEAR.format(PLACES[number]),
            "audio.playback_device": NEAR.format(PLACES[number]),
            "phone.auto_answer": "always",
        }
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        store = f"/tmp/{self.name}-{number}.db"  # of the board, which nobody else uses
        return [*self.rig.offhook, "run", "--store", store, "--socket", self._socket(number), *words]

    def _socket(self, number: int) -> str:
        return f"/tmp/{self.name}-{number}.sock"

    def talking(self) -> bool:
        if not self._says(1, "status"):
            return False
        if "connected" in self._says(0, "status"):
            return True
        self._says(0, "call", f"sip:{HOST}:{self.ports[1]}")
        return False

    def _says(self, number: int, *words: str) -> str:
        done = self.rig.agent.run([*self.rig.offhook, "--socket", self._socket(number), *words], check=False)
        return done.out if done.status == 0 else ""


class BaresipPair(Pair):
    """Two of Debian's baresip as it configures itself."""

    name = "baresip"

    def files(self, number: int) -> dict[str, str]:
        device = f"alsa,{NEAR.format(PLACES[number])}"
        lines = [
            f"sip_listen {HOST}:{self.ports[number]}",
            f"net_interface {HOST}",
            f"ctrl_tcp_listen {HOST}:{4441 + number}",
        ]
        lines += [f"{use} {device}" for use in ("audio_player", "audio_source", "audio_alert")]
        # It opens the card for the voice while that of the ringing tone is open still.
        lines.append("ringback_disabled yes")
        lines += [f"module_path {BARESIP_MODULES}", *BARESIP_CONFIGURATION]
        account = f"<sip:{number}@{HOST};transport=udp>;regint=0;answermode=auto;audio_codecs=PCMU/8000/1"
        return {"config": "\n".join(lines) + "\n", "accounts": account + "\n"}

    def command(self, number: int) -> Sequence[str]:
        dial = ["-e", f"/dial sip:1@{HOST}:{self.ports[1]}"] if number == 0 else []
        return ["/usr/bin/baresip", "-f", self.folders[number], *dial]

    def talking(self) -> bool:
        log = self.rig.share / f"{self.name}-{PLACES[0]}" / "log"
        return log.exists() and "established" in log.read_text(errors="replace").lower()
