"""The methods call.record and call.play and their ends: which call, which file. Loaded with the first of them."""

from __future__ import annotations

import os
import time

from device.annotations import Final
from device.audio.commands import StopPlaying
from device.audio.engine import AudioEngine
from device.control.errors import FAILED, INVALID_PARAMS, REFUSED, ControlError
from device.daemon.account_fields import Params
from device.daemon.phone_line import PhoneLine
from device.errors import DeviceError
from device.media.settings import MediaSettings
from device.model import CallId
from device.phone.phone import Phone
from device.store.files import RECORDINGS

DIRECTORY_MODE: Final = 0o700
BYTES_A_MEGABYTE: Final = 1_000_000


class CallFiles:
    """Files that the sound of calls goes to or comes from."""

    def __init__(self, phone: Phone, line: PhoneLine, engine: AudioEngine, media: MediaSettings, store: str) -> None:
        self._phone = phone
        self._line = line
        self._engine = engine
        self._media = media
        self._folder = os.path.join(os.path.dirname(os.path.abspath(store)), RECORDINGS)

    def record(self, params: Params) -> dict[str, object]:
        """Record a call to a new file."""
        call_id = self._call(params)
        path = self._new_path(str(params.get("path") or ""), call_id)
        reserve_bytes = BYTES_A_MEGABYTE * self._media.record_reserve_mb
        try:
            self._engine.record(call_id, path, reserve_bytes, self._media.record_notice)
        except DeviceError as error:
            raise ControlError(FAILED, str(error)) from error
        return {"call": call_id, "path": path}

    def stop_recording(self, params: Params) -> dict[str, object]:
        """End a recording."""
        call_id = self._call(params)
        if not self._engine.stop_recording(call_id):
            raise ControlError(REFUSED, f"call {call_id} is not recorded")
        return {"call": call_id}

    def play(self, params: Params) -> dict[str, object]:
        """Let both sides of a call hear a file."""
        call_id, path = self._call(params), str(params.get("path") or "")
        if not path.startswith("/"):
            raise ControlError(
                INVALID_PARAMS, f"path: {path!r} does not begin with /: give the whole path of a WAV file"
            )
        try:
            self._engine.play(call_id, path)
        except DeviceError as error:
            raise ControlError(FAILED, str(error)) from error
        return {"call": call_id, "path": path}

    def stop_playing(self, params: Params) -> dict[str, object]:
        """End that."""
        call_id = self._call(params)
        self._engine.submit(StopPlaying(call_id))
        return {"call": call_id}

    def _call(self, params: Params) -> CallId:
        """The call that is meant, which must have sound."""
        call_id = params.get("call") or self._phone.call_id
        if not isinstance(call_id, str):
            raise ControlError(REFUSED, "there is no call")
        if not self._line.has_sound(CallId(call_id)):
            raise ControlError(REFUSED, f"there is no call {call_id} with sound; `offhook status` shows the calls")
        return CallId(call_id)

    def _new_path(self, name: str, call_id: CallId) -> str:
        if name.startswith("/"):
            return name
        if os.path.basename(name) != name or name.startswith("."):
            raise ControlError(INVALID_PARAMS, f"path: {name!r}: give a mere name, or a whole path that begins with /")
        try:
            os.makedirs(self._folder, DIRECTORY_MODE, exist_ok=True)
        except OSError as error:
            raise ControlError(FAILED, f"{self._folder} cannot be made: {error.strerror}") from error
        return os.path.join(self._folder, name or f"{time.strftime('%Y%m%d-%H%M%S')}-{call_id}.wav")
