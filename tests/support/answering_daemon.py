"""A daemon that only answers: what the command line asks for, as the schema says, and some events."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device.control.schema import METHODS
from device.control.server import ControlServer
from device.daemon.loop import Loop

ESCAPE = "\x1b[2J"

ACCOUNT = {
    "id": "office",
    "user": "1001",
    "domain": "pbx.example.com",
    "transport": "udp",
    "aor": "sip:1001@pbx.example.com",
    "password": "sealed",
    "state": "registered",
    "status": 200,
    "text": "OK",
    "server": "udp:192.0.2.10:5060",
    "registered_for_s": 540,
    "register": True,
    "next_attempt_s": None,
}
DOWN = {**ACCOUNT, "id": "home", "state": "failed", "status": 403, "text": "Forbidden"}
CALL = {
    "call": "c7",
    "direction": "in",
    "remote": "sip:1002@pbx",
    "remote_name": f"Anna{ESCAPE}",
    "account": "office",
    "state": "connected",
    "seconds": 185.4,
}
RECORD = {
    "id": 1,
    "direction": "in",
    "remote": "sip:1002@pbx",
    "remote_name": "Anna",
    "account": "office",
    "started_at": 1_700_000_000.0,
    "answered_at": 1_700_000_003.0,
    "ended_at": 1_700_000_063.0,
    "cause": "answered",
    "mos": 4.19,
    "loss_percent": 2.5,
}
QUALITY: dict[str, Any] = {
    "codec_sent": "PCMA",
    "codec_received": "PCMU",
    "packets_sent": 3000,
    "octets_sent": 480_000,
    "packets_received": 2940,
    "octets_received": 470_400,
    "lost": 60,
    "late": 15,
    "duplicate": 1,
    "discarded": 2,
    "expected": 3000,
    "missing": 75,
    "burst_ratio": 1.2,
    "concealed_ms": 1500,
    "jitter_mean_ms": 3.5,
    "jitter_max_ms": 9.0,
    "buffer_mean_ms": 41.5,
    "buffer_max_ms": 60.0,
    "round_trip_ms": 24.5,
    "round_trip_max_ms": 31.0,
    "r_listening": 84.6,
    "r_conversational": 81.2,
    "mos_listening": 4.19,
    "mos_conversational": 4.07,
    "speech_db": -24.5,
    "capture_xruns": 0,
    "playback_xruns": 1,
    "remote_lost": 7,
    "remote_jitter_ms": 2.0,
    "remote_mos_listening": 4.3,
    "remote_mos_conversational": 4.2,
    "wide_band": False,
    "loss_percent": 2.5,
}
"""As call.report gives it."""
TIME_LINE: dict[str, Any] = {
    "step_s": 1,
    "jitter_ms": [0.0, 2.5, 9.0, 4.0],
    "buffer_ms": [40.0, 40.0, 60.0, 40.0],
    "loss_percent": [0.0, 0.0, 10.0, 0.0],
    "heard_db": [-96.0, -24.0, -26.5, -30.0],
    "sent_db": [-60.0, -30.0, -20.0, -55.0],
}
MISSED = {
    **RECORD,
    "id": 2,
    "remote_name": "",
    "answered_at": 0.0,
    "cause": "no answer",
    "mos": None,
    "loss_percent": None,
}
SETTING = {"key": "phone.hotline", "value": "1002", "default": "", "kind": "str", "help": "number called at once"}
PLAIN_SETTING = {"key": "audio.kind", "value": "alsa", "default": "alsa", "kind": "str", "help": "kind of device"}
MESSAGE = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.9\r\nCSeq: 7 REGISTER\r\n\r\n"

ANSWERS: dict[str, Any] = {
    "status": {
        "version": "0.1.0",
        "pid": 42,
        "uptime_s": 3725.0,
        "phone": {"state": "idle"},
        "board": {"profile": "desk", "driver": "mock", "hook": "on-hook"},
        "accounts": [ACCOUNT, DOWN],
        "calls": [CALL],
        "notices": ["the last good copy was taken"],
    },
    "call.place": {"call": "c7"},
    "call.answer": {"call": "c7"},
    "call.hangup": {"call": "c7"},
    "call.hold": {"call": "c7"},
    "call.resume": {"call": "c7"},
    "call.conference": {"call": "c7"},
    "call.transfer": {"call": "c7"},
    "call.record": {"call": "c7", "path": "/var/lib/offhook/recordings/a.wav"},
    "call.record_stop": {"call": "c7"},
    "call.play": {"call": "c7", "path": "/tmp/a.wav"},
    "call.play_stop": {"call": "c7"},
    "call.digits": {},
    "message.send": {"message": "m-1"},
    "message.list": {
        "messages": [{"from": "sip:1002@pbx", "name": "", "account": "office", "call": "", "text": "hi", "at": 0.0}]
    },
    "account.list": {"accounts": [ACCOUNT, DOWN]},
    "account.show": ACCOUNT,
    "account.add": ACCOUNT,
    "account.update": ACCOUNT,
    "account.remove": {},
    "settings.list": {"settings": [SETTING, PLAIN_SETTING]},
    "settings.get": SETTING,
    "settings.set": {"changed": ["phone.hotline"], "restart": []},
    "phonebook.list": {"entries": [{"name": "Front door", "target": "sip:door@192.0.2.7", "short_code": "11"}]},
    "phonebook.add": {},
    "phonebook.remove": {},
    "call.report": {"number": 1, "call": RECORD, "quality": QUALITY, "time_line": TIME_LINE},
    "calllog.list": {"calls": [MISSED, RECORD]},
    "log.tail": {"lines": ["first", f"second{ESCAPE}"]},
    "registration.refresh": {"accounts": ["office"]},
    "board.show": {
        "profile": "desk",
        "driver": "mock",
        "lamps": {"line": "off"},
        "lines": [{"name": "hook", "direction": "in", "active": False, "changes": 3, "chip": "mock", "line": "17"}],
    },
    "board.lift": {},
    "board.replace": {},
    "board.press": {},
    "board.drive": {},
    "test.dns": {
        "test": 1,
        "servers": ["192.0.2.53"],
        "told_by": "system",
        "targets": [
            {"name": "office", "account": True, "host": "pbx", "port": 0, "transport": "UDP", "address": False}
        ],
    },
    "config.history": {
        "commits": [{"number": n, "at": 1_700_000_000.0, "author": "a", "comment": ""} for n in (2, 1)],
        "unconfirmed": None,
        "confirm_within_s": 0,
    },
    "config.commit": {"number": 3, "changed": ["phone.hotline"], "restart": ["phone.hotline"], "registering": []},
    "config.confirm": {"number": 2},
    "console.password": {"role": "monitor"},
    "store.reset": {"kept": []},
    "store.seal": {"sealed": "offhook-sealed-1:AAAA"},
    "daemon.version": {"version": "0.1.0", "python": "3.11.2"},
    "daemon.stop": {},
}


class AnsweringDaemon:
    """Answers every method as the schema says, remembers what it was asked, and says some events when asked to."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.answers = dict(ANSWERS)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.zone = ""
        self.events: list[tuple[str, dict[str, object]]] = []
        """Published, and the socket closed, once somebody has subscribed to the topic of the first."""
        self.loop = Loop()
        methods = {name: self._method(name) for name in METHODS if not name.endswith("subscribe")}
        self.server = ControlServer(self.loop, self.path, methods)
        self.server.open()
        self.loop.add_participant(self)
        self._thread = threading.Thread(target=self.loop.run)
        self._thread.start()

    def _method(self, name: str) -> Callable[[dict[str, Any]], object]:
        def method(params: dict[str, Any]) -> object:
            if params == {"key": "daemon.time_zone"}:
                # Whatever tells times asks for this first.
                return {**PLAIN_SETTING, "key": "daemon.time_zone", "value": self.zone}
            self.calls.append((name, params))
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            if name == "daemon.stop":
                self.loop.call_soon_threadsafe(self._drop_clients)
            return answer

        return method

    def _drop_clients(self) -> None:
        """End as far as the client can see, and be there for the next one."""
        for client in list(self.server._clients):
            self.server._drop(client)

    def pump(self, _now: float) -> float | None:
        if self.events and self.server.has_subscribers(self.events[0][0]) and self._has_been_asked():
            for topic, params in self.events:
                self.server.publish(topic, params)
            self.server.close()
            self.events = []
        return None

    def _has_been_asked(self) -> bool:
        """Some verbs ask for something after they have subscribed."""
        wanted = {"log": "log.tail", "call": "call.transfer", "message": "message.send", "dns": "test.dns"}.get(
            self.events[0][0]
        )
        return wanted is None or any(name == wanted for name, _ in self.calls)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.server.close()
        self.loop.close()
