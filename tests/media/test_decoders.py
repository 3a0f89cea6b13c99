"""Decoders are made for what comes, not for what might."""

import pytest

from device.media.codecs import new_codec
from device.media.decoders import Decoders
from device.records import replace
from tests.quality.listening import parameters_of


def test_only_what_comes_is_made_and_the_encoder_serves_its_own_codec() -> None:
    parameters = replace(parameters_of("PCMA"), receive_formats=((8, "PCMA"), (0, "PCMU"), (118, "PCMA"), (9, "G722")))
    encoder = new_codec("PCMA")
    decoders = Decoders(parameters, encoder)
    assert decoders.names == {8: "PCMA", 0: "PCMU", 118: "PCMA", 13: "CN"}
    assert decoders[8] is encoder
    assert decoders[118] is encoder
    assert decoders[0] is decoders[0]
    with pytest.raises(KeyError):
        decoders[9]
