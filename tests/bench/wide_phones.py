"""Phones that are called with more than G.711: ours, baresip, and linphonec, each with what it needs for that."""

import subprocess
from pathlib import Path

from device.demo.system import free_port
from tests.bench.caller import PCMU_OFFER
from tests.bench.phones import Baresip, BenchPhone, Offhook
from tests.bench.registrar import HOST, Registrar
from tests.support.fakecard.card import FakeCard
from tests.support.processes import find_program

WIDE_OFFERS = {
    "PCMU": PCMU_OFFER,
    "G722": ("9 101", "a=rtpmap:9 G722/8000", "a=rtpmap:101 telephone-event/8000"),
    "OPUS": ("96", "a=rtpmap:96 opus/48000/2", "a=fmtp:96 useinbandfec=1"),
}


class WideOffhook(Offhook):
    """Ours with the wide-band codecs first."""

    def arguments(self) -> list[str]:
        return [*super().arguments(), "--set", "media.codecs=OPUS,G722,PCMU"]


class WideBaresip(Baresip):
    """baresip with all three."""

    codecs = "opus/48000/2,G722/16000/1,PCMU/8000/1"

    def __init__(self, user: str, folder: Path, card: FakeCard, registrar: Registrar, auto_answer: bool) -> None:
        super().__init__(user, folder, card, registrar, auto_answer)
        lines = ("module opus.so", "module g722.so", "opus_inbandfec yes")
        with (self._home / "config").open("a") as file:
            file.write("\n".join(lines) + "\n")


class Linphone(BenchPhone):
    """Debian's linphonec, sound through ALSA, echo cancellation off. It ends when its keyboard does."""

    name = "linphonec"
    keyboard = subprocess.PIPE
    patience_s = 3.0

    def __init__(self, user: str, folder: Path, card: FakeCard, registrar: Registrar, auto_answer: bool) -> None:
        super().__init__(user, folder, card, registrar, auto_answer)
        self._home = folder / f"{user}-linphone"
        (self._home / ".local/share/linphone").mkdir(parents=True, exist_ok=True)
        device = "ALSA Unknown: default"
        sections: dict[str, dict[str, object]] = {
            "sip": {
                "sip_port": self.port,
                "sip_tcp_port": 0,
                "sip_tls_port": 0,
                "use_ipv6": 0,
                "guess_hostname": 0,
                "contact": f"sip:{user}@{HOST}",
                "default_proxy": 0,
            },
            "rtp": {"audio_rtp_port": free_port()},
            # It takes the loopback interface for no network, unless it does not look.
            "misc": {"auto_net_state_mon": 0},
            "sound": {
                **{f"{use}_dev_id": device for use in ("playback", "ringer", "capture")},
                "echocancellation": 0,
                "agc": 0,
            },
            "auth_info_0": {"username": user, "passwd": "bench", "realm": "bench"},
            "proxy_0": {
                "reg_proxy": f"<sip:{registrar.address};transport=udp>",
                "reg_identity": f"sip:{user}@{HOST}",
                "reg_sendregister": 1,
                "reg_expires": 3600,
                "publish": 0,
            },
        }
        for number, (name, rate_hz) in enumerate((("opus", 48000), ("G722", 8000), ("PCMU", 8000))):
            sections[f"audio_codec_{number}"] = {"mime": name, "rate": rate_hz, "channels": 1, "enabled": 1}
        text = "".join(
            f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in values.items())
            for name, values in sections.items()
        )
        (self._home / "rc").write_text(text)

    def command(self) -> list[str]:
        answering = ["-a"] if self.auto_answer else []
        return [find_program("linphonec"), "-c", str(self._home / "rc"), *answering]

    def environment(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": str(self._home)}
