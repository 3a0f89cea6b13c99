"""PUBLISH (RFC 3903) of something that is told once and neither refreshed nor removed, such as a quality report."""

from device import plain_logging as logging
from device.sip.causes import cause_text
from device.sip.core import Core
from device.sip.identity import Identity
from device.sip.message import Response
from device.sip.standalone_request import StandaloneRequest
from device.sip.uri import Uri
from device.sip.user_agent_client import SentRequest, UserAgentClient

_log = logging.getLogger(__name__)


class Publication:
    """One PUBLISH; what comes of it is nobody's business but the installer's."""

    __slots__ = ("_package", "_target")

    def __init__(self, package: str, target: Uri) -> None:
        self._package = package
        self._target = target

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        """The answer of the collector."""
        if response.status < 200:
            return
        if response.status < 300:
            _log.info("%s told to %s", self._package, self._target)
        elif response.status in (401, 407):
            self.receive_failure(sent, response.status, sent.identity.refusal_text(response), now)
        else:
            self.receive_failure(sent, response.status, cause_text(response.status, response.reason), now)

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        """It was refused, or no answer came."""
        _log.warning("%s could not be told to %s: %s %s", self._package, self._target, status, text)


def publish_once(
    core: Core,
    client: UserAgentClient,
    identity: Identity,
    target: Uri,
    package: str,
    content: tuple[str, bytes],
    now: float,
) -> None:
    """Send `content`, its type and octets, to `target`."""
    standalone = StandaloneRequest(core, identity, target)
    request = standalone.build("PUBLISH", contact=True)
    request.headers.add("Event", package)
    request.headers.add("Content-Type", content[0])
    request.body = content[1]
    client.send(request, standalone.next_hop, identity, Publication(package, target), standalone.next_cseq, now)
