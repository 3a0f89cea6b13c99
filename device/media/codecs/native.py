"""The C libraries of codecs, loaded through ctypes when a call needs one; ctypes and a library cost 1 to 3 MB."""

from collections.abc import Sequence

from device.annotations import Any
from device.media.errors import CodecUnavailableError

LIBRARIES = {
    "opus": (("libopus.so.0",), "libopus0"),
    "spandsp": (("libspandsp.so.2", "libspandsp.so.3"), "libspandsp2"),
    "gsm": (("libgsm.so.1",), "libgsm1"),
    "speex": (("libspeex.so.1",), "libspeex1"),
    "speexdsp": (("libspeexdsp.so.1",), "libspeexdsp1"),
}
"""For each library its names, of old and new releases, and Debian's package (libspandsp3 from Debian 13 on)."""

_loaded: dict[str, Any] = {}


def load(name: str) -> Any:
    """The open library `name` (a key of LIBRARIES); raises CodecUnavailableError that names the package to install."""
    if name not in _loaded:
        import ctypes  # noqa: PLC0415  # a phone with G.711 alone does not pay for it

        names, package = LIBRARIES[name]
        for file_name in names:
            try:
                _loaded[name] = ctypes.CDLL(file_name)
                break
            except OSError:
                continue
        else:
            instead = "set audio.echo to half-duplex" if name == "speexdsp" else "take the codec out of media.codecs"
            raise CodecUnavailableError(f'the library {names[0]} is missing: run "apt install {package}", or {instead}')
    return _loaded[name]


def function(name: str, symbol: str, result: str, *arguments: str) -> Any:
    """A function of a library with its types, each one of "int", "pointer", "octets" and "none"."""
    import ctypes  # noqa: PLC0415

    kinds = {"int": ctypes.c_int, "pointer": ctypes.c_void_p, "octets": ctypes.c_char_p, "none": None}
    found = getattr(load(name), symbol)
    found.restype = kinds[result]
    found.argtypes = [kinds[argument] for argument in arguments]
    return found


class Owned:
    """States of a library that are released when the codec that holds this goes."""

    _states: Sequence[tuple[Any, Any]] = ()

    def __init__(self, name: str, *states: tuple[Any, str]) -> None:
        """Each state with the function of the library `name` that releases it."""
        self._states = [(function(name, symbol, "none", "pointer"), state) for state, symbol in states]

    def __del__(self) -> None:
        for release, state in self._states:
            release(state)


def buffer(octets: int) -> Any:
    """Memory that a library writes to."""
    import ctypes  # noqa: PLC0415

    return ctypes.create_string_buffer(octets)
