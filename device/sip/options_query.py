"""OPTIONS outside dialogs: whether somebody is there, how quickly, and what it can do (RFC 3261 section 11)."""

from device.sip.core import Core
from device.sip.feature_events import OptionsFinished
from device.sip.identity import Identity
from device.sip.message import Response
from device.sip.standalone_request import StandaloneRequest
from device.sip.uri import Uri
from device.sip.user_agent_client import SentRequest, UserAgentClient

TOLD = ("Allow", "Supported", "Accept")
"""Header fields of the answer that say what the other side can do."""


class OptionsQuery:
    """One OPTIONS; any final answer tells that there is somebody. `OptionsFinished` comes in any case."""

    __slots__ = ("_core", "_name", "_sent_at")

    def __init__(self, core: Core, name: str, now: float) -> None:
        self._core = core
        self._name = name
        self._sent_at = now

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        """An answer; a refusal is one as well."""
        if response.status < 200:
            return
        headers = response.headers
        software = headers.get("Server") or headers.get("User-Agent") or ""
        abilities = tuple((name, value) for name in TOLD if (value := ", ".join(headers.get_all(name))))
        self._finish(response.status, response.reason, now, software, abilities)

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        """No answer came."""
        self._finish(0, text, now)

    def _finish(
        self, status: int, text: str, now: float, software: str = "", abilities: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self._core.emit(OptionsFinished(self._name, status, text, now - self._sent_at, software, abilities))


def send_options(core: Core, client: UserAgentClient, identity: Identity, target: Uri, now: float) -> str:
    """Ask `target`; answers the name under which `OptionsFinished` follows."""
    name = f"o-{core.ids.number(32):08x}"
    standalone = StandaloneRequest(core, identity, target)
    request = standalone.build("OPTIONS", contact=True)
    request.headers.add("Accept", "application/sdp")
    client.send(request, standalone.next_hop, identity, OptionsQuery(core, name, now), standalone.next_cseq, now)
    return name
