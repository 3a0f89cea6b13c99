"""One call's sound seen from the main thread: its MediaSession, its RTP ports and what the audio thread was told."""

from __future__ import annotations

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING
from device.audio.commands import AttachStream, DetachStream, UpdateStream
from device.media.stream_parameters import StreamParameters
from device.model import CallId
from device.net.rtp_socket import RtpSocketPair
from device.records import replace
from device.sip.hop import ip_literal

if TYPE_CHECKING:
    from device.annotations import Protocol
    from device.media.media_session import MediaSession

    class SoundThread(Protocol):
        """Runs streams: `AudioEngine` for a phone, `HubThread` for the services of an exchange."""

        def submit(self, command: AttachStream | UpdateStream | DetachStream) -> None:
            """Ask for something; it is done within a period."""


logger = logging.getLogger(__name__)

STALE_DATAGRAMS = 1000
"""Most datagrams thrown away before a stream begins: what came while nobody listened would only be delay."""

HOSTS_KEPT = 4
"""Host names of one call's descriptions whose addresses are remembered; a peer may name another one in each offer."""


class CallSound:
    """From the first offer to the end of the call; tells the audio thread only what changed."""

    __slots__ = (
        "_announcement",
        "_attached",
        "_call_id",
        "_engine",
        "_ports",
        "_resolved",
        "_told",
        "_wanted",
        "far_host",
        "offer",
        "session",
    )

    def __init__(self, call_id: CallId, session: MediaSession, ports: RtpSocketPair, engine: SoundThread) -> None:
        self.session = session
        self.far_host = ""
        """An address on the way to the far end: the route to it tells our own."""
        self.offer = b""
        """Their offer that an incoming call came with."""
        self._call_id = call_id
        self._ports = ports
        self._engine = engine
        self._announcement: str | None = None
        """The file that the caller hears before anybody answers; "" once it is over."""
        self._wanted = False
        self._attached = False
        self._told: StreamParameters | None = None
        self._resolved: dict[str, str] = {}

    @property
    def local_media(self) -> tuple[str, int]:
        """Where the far end is told to send to."""
        return self.session.local_address, self._ports.rtp.local_port

    def connect(self) -> None:
        """Microphone and earpiece belong to this call, at once or as soon as its media is agreed."""
        self._wanted = True
        self.refresh()

    def announce(self, path: str) -> None:
        """Let the far end hear a file instead of the microphone until `connect` or `end_announcement`."""
        self._announcement = path
        self.refresh()

    def end_announcement(self) -> None:
        """Send nothing any more, so that the far end makes its own ringback tone."""
        if self._announcement:
            self._announcement = ""
            self.refresh()

    def disconnect(self) -> None:
        """Part microphone and earpiece from the call, which stays up."""
        self._wanted = False
        self.refresh()

    @property
    def is_running(self) -> bool:
        """Whether the audio thread has the call."""
        return self._attached

    def unresolved_host(self) -> str | None:
        """A host name in the peer's description that must be looked up before sound can flow."""
        parameters = self.session.parameters
        if parameters is None or ip_literal(parameters.remote[0]) or parameters.remote[0] in self._resolved:
            return None
        return parameters.remote[0]

    def resolved(self, name: str, address: str) -> None:
        """`name` in the peer's description is at `address`."""
        self._resolved[name] = address
        if len(self._resolved) > HOSTS_KEPT:
            del self._resolved[next(iter(self._resolved))]
        self.refresh()

    def refresh(self) -> None:
        """Bring the audio thread up to date with what was agreed."""
        parameters = self._wanted_parameters()
        idle = not self._wanted and not self._attached and not self._announcement
        if parameters is None or parameters == self._told or idle:
            return
        if self._attached:
            self._engine.submit(UpdateStream(self._call_id, parameters))
        else:
            self._discard_stale()
            self._attached = True
            self._engine.submit(AttachStream(self._call_id, parameters, self._ports.rtp, self._ports.rtcp))
        self._told = parameters

    def _wanted_parameters(self) -> StreamParameters | None:
        parameters = self.session.parameters
        if parameters is None or self.unresolved_host():
            return None
        host, port = parameters.remote
        rtcp_host, rtcp_port = parameters.remote_rtcp
        if self._announcement is not None and not self._wanted:
            sending = parameters.sending and bool(self._announcement)
            parameters = replace(parameters, hold_music=self._announcement, sending=sending)
        return replace(
            parameters,
            remote=(self._resolved.get(host, host), port),
            remote_rtcp=(self._resolved.get(rtcp_host, rtcp_host), rtcp_port),
            on_hold=parameters.on_hold or not self._wanted,
        )

    def _discard_stale(self) -> None:
        for port in (self._ports.rtp, self._ports.rtcp):
            for _ in range(STALE_DATAGRAMS):
                if port.receive() is None:
                    break

    def end(self) -> None:
        """The call is over: end the stream, or close the ports that no stream ever used."""
        if self._attached:
            self._attached = False
            self._engine.submit(DetachStream(self._call_id))
        else:
            self._ports.close()
