"""Where the control socket is; both ends agree on it here."""

import os
from collections.abc import Mapping

SYSTEM_SOCKET = "/run/offhook/control.sock"
SYSTEM_STORE = "/var/lib/offhook/offhook.db"
"""The store of the phone behind that socket."""
ENVIRONMENT_NAME = "OFFHOOK_SOCKET"

SYSTEM_EXCHANGE_SOCKET = "/run/offhook-exchange/exchange.sock"
EXCHANGE_SOCKET_NAME = "exchange.sock"
EXCHANGE_ENVIRONMENT_NAME = "OFFHOOK_EXCHANGE_SOCKET"


def socket_path(environment: Mapping[str, str], given: str | None = None) -> str:
    """Where the control socket is: `given`, else OFFHOOK_SOCKET, else the user's own one or the system's.

    The system's daemon is meant when the user has none running; root has no other.
    """
    if given or environment.get(ENVIRONMENT_NAME):
        return given or environment[ENVIRONMENT_NAME]
    runtime = environment.get("XDG_RUNTIME_DIR")
    if not runtime or os.geteuid() == 0:
        return SYSTEM_SOCKET
    own = os.path.join(runtime, "offhook", "control.sock")
    return SYSTEM_SOCKET if os.path.exists(SYSTEM_SOCKET) and not os.path.exists(own) else own


def exchange_socket_path(environment: Mapping[str, str]) -> str:
    """Where the exchange of this board is asked: OFFHOOK_EXCHANGE_SOCKET, beside the phone's one, or the system's."""
    given = environment.get(EXCHANGE_ENVIRONMENT_NAME)
    beside = os.path.join(os.path.dirname(socket_path(environment)), EXCHANGE_SOCKET_NAME)
    return given or (beside if os.path.exists(beside) else SYSTEM_EXCHANGE_SOCKET)
