"""Errors of the control socket, with the codes of JSON-RPC 2.0 section 5.1."""

from device.errors import DeviceError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
FAILED = -32000
"""The daemon understood and could not; the message says why and what to do next."""
REFUSED = -32001
"""It cannot be done in the present state, such as answering when nobody rings."""
NOT_FOUND = -32002
"""There is no such account, call, setting or entry."""


class ControlError(DeviceError):
    """A call over the control socket failed: `code` as above, `message` for a person, `data` for a program.

    Where several things are wrong at once, `data` is {"faults": [one sentence each]}.
    """

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class DaemonUnreachableError(ControlError):
    """Nobody answers at the control socket, or the connection was cut."""

    def __init__(self, message: str) -> None:
        super().__init__(FAILED, message)


class SocketTakenError(DeviceError):
    """The server cannot have its socket: another daemon answers there, or the place cannot be written."""


def refusal_lines(error: Exception) -> list[str]:
    """What to tell a person of an error: its text and, where several things are wrong, each of them in a line."""
    data = error.data if isinstance(error, ControlError) else None
    faults = [str(fault) for fault in data.get("faults", ())] if isinstance(data, dict) else []
    if len(faults) <= 1:
        return [str(error)]
    return [str(error).removesuffix("; ".join(faults)).rstrip(), *(f"  {fault}" for fault in faults)]
