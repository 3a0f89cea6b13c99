"""What a call negotiated about its sound (RFC 3264): owned by the call from the first offer to BYE, never made anew."""

from device.ids import IdSource
from device.media.settings import MediaSettings
from device.media.stream import StreamParameters


class MediaSession:
    """Offers, answers and hold of one call; `parameters` is what the audio thread gets. Main thread only."""

    def __init__(self, settings: MediaSettings, local_address: str, rtp_port: int, ids: IdSource) -> None:
        self._parameters: StreamParameters | None = None

    @property
    def parameters(self) -> StreamParameters | None:
        """None until an offer has met its answer."""
        return self._parameters

    @property
    def on_hold(self) -> bool:
        """We hold the call."""
        return False

    @property
    def held_by_peer(self) -> bool:
        """The peer holds us (sendonly, inactive or c=0.0.0.0)."""
        return False

    def create_offer(self) -> bytes:
        """Our offer for INVITE, re-INVITE, or a 200 to an INVITE without one; unchanged content keeps its version."""
        raise NotImplementedError

    def receive_offer(self, sdp: bytes) -> bytes:
        """Take the peer's offer and give our answer; raises NoCommonCodec (488) or SdpParseError (400)."""
        raise NotImplementedError

    def receive_answer(self, sdp: bytes) -> None:
        """Take the answer to our last offer; raises NoCommonCodec, SdpParseError, or SdpStateError."""
        raise NotImplementedError

    def offer_refused(self) -> None:
        """Our last re-offer was refused: all stays as it was before (RFC 3264 section 8)."""

    def hold(self) -> bytes:
        """The offer that puts the peer on hold."""
        raise NotImplementedError

    def resume(self) -> bytes:
        """The offer that ends our hold."""
        raise NotImplementedError

    def set_local_address(self, address: str) -> None:
        """The next offer or answer carries another address, after a change of network."""
