"""The support bundle: all that somebody far away needs to see what is wrong, in one file and without secrets."""

import io
import json
import os
import tarfile
import time
from collections.abc import Callable, Mapping

from device.annotations import Any
from device.console.export import export_lines
from device.console.why import examine, lines_of
from device.control.errors import ControlError

QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "status.json": ("status", {}),
    "board.json": ("board.show", {}),
    "network.json": ("network.show", {}),
    "storage.json": ("storage.show", {}),
    "machine.json": ("machine.show", {}),
    "cards.json": ("setup.cards", {}),
    "calls.json": ("calllog.list", {"limit": 100}),
    "history.json": ("config.history", {}),
    "version.json": ("daemon.version", {}),
}
"""What is asked of the phone for each file."""
LOG_LINES = 500
MAGIC = b"\x1f\x8b"
"""How gzip's files begin (RFC 1952 section 2.3.1)."""

Ask = Callable[..., Mapping[str, Any]]


def build_bundle(ask: Ask, at: float) -> bytes:
    """A gzipped tar of the folder offhook-support/. `at` is Unix seconds. What cannot be asked says why instead."""
    files: dict[str, str] = {}
    for name, (method, params) in QUESTIONS.items():
        try:
            files[name] = json.dumps(ask(method, **params), indent=1, ensure_ascii=False, default=str)
        except ControlError as error:
            files[name] = json.dumps({"error": str(error)})
    files["log.txt"] = _text(lambda: [str(line) for line in ask("log.tail", lines=LOG_LINES)["lines"]])
    files["why.txt"] = _text(lambda: lines_of(list(examine(ask))))
    files["configuration.toml"] = _text(
        lambda: export_lines(ask("settings.list")["settings"], ask("account.list")["accounts"])
    )
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in sorted(files.items()):
            data = text.encode()
            info = tarfile.TarInfo(f"offhook-support/{name}")
            info.size, info.mtime, info.mode = len(data), int(at), 0o600
            tar.addfile(info, io.BytesIO(data))
    return archive.getvalue()


def file_name(at: float, folder: str = "") -> str:
    """Where a bundle goes that nobody named."""
    return os.path.join(folder, time.strftime("offhook-support-%Y%m%d-%H%M%S.tar.gz", time.localtime(at)))


def _text(make: Callable[[], list[str]]) -> str:
    try:
        return "\n".join([*make(), ""])
    except ControlError as error:
        return f"{error}\n"
