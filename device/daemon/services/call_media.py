"""The sound of one call of a service: ports, session description, and the address at which the far end sees us."""

from collections.abc import Callable

from device.audio.hub_thread import HubThread
from device.daemon.call_sound import CallSound
from device.exchange.services.settings import ServiceSettings
from device.ids import IdSource
from device.media.media_session import MediaSession, offered_host
from device.media.settings import MediaSettings
from device.model import CallId
from device.net.addresses import LOOPBACK, SOMEWHERE, SOMEWHERE_IPV6
from device.net.rtp_socket import open_rtp_sockets
from device.sdp.errors import NoCommonCodec
from device.sip.hop import ip_literal

LOOPBACK_IPV6 = "::1"


class CallMedia:
    """Makes the sound of calls."""

    def __init__(
        self, hub: HubThread, ids: IdSource, host: str, settings: ServiceSettings, media_address: Callable[[str], str]
    ) -> None:
        """`host` is where ports are bound, "" for every address; `media_address` gives our own as a host sees it."""
        self._hub = hub
        self._ids = ids
        self.host = host
        self._media_address = media_address
        self.settings = settings

    def open(self, call_id: CallId, far_host: str) -> CallSound:
        """Ports and a session for a call with somebody at `far_host`, "" for nobody knows where.

        Raises NetError where no port is left.
        """
        settings = self.settings
        ports = open_rtp_sockets(self.host, settings.rtp_first_port, settings.rtp_last_port, self._ids)
        session = MediaSession(
            MediaSettings(codecs=settings.codecs), self._address_towards(far_host), ports.local_port, self._ids
        )
        sound = CallSound(call_id, session, ports, self._hub)
        sound.far_host = far_host
        return sound

    def _address_towards(self, far_host: str) -> str:
        """Our own address for somebody of whom no description tells yet where he is: by the default route."""
        hosts = (far_host, SOMEWHERE, SOMEWHERE_IPV6, LOOPBACK, LOOPBACK_IPV6)
        return next((address for host in hosts if host and (address := self._media_address(host))), LOOPBACK)

    def answer(self, sound: CallSound, offer: bytes) -> bytes:
        """Our answer, with the address by which whoever offers reaches us. Raises SdpError."""
        host = offered_host(offer)
        if ip_literal(host) is not None:
            address = self._media_address(host)
            if not address:
                raise NoCommonCodec(f"the sound of the other side is at {host}, to which there is no way from here")
            sound.session.set_local_address(address)
            sound.far_host = host
        return sound.session.receive_offer(offer)
