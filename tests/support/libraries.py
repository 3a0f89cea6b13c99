"""Libraries that a test needs and a machine may lack."""

import pytest

from device.media.codecs import native
from device.media.errors import CodecUnavailableError


def has_library(name: str) -> bool:
    """Whether a library of `device.media.codecs.native` can be loaded."""
    try:
        native.load(name)
    except CodecUnavailableError:
        return False
    return True


needs_speexdsp = pytest.mark.skipif(not has_library("speexdsp"), reason="libspeexdsp1 is not installed")
