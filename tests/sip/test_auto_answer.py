"""Which INVITEs ask to be answered without a person."""

import pytest

from device.sip.auto_answer import auto_answer_delay
from tests.support.sip_messages import request


@pytest.mark.parametrize(
    ("header", "delay"),
    [
        ("Call-Info: <sip:192.0.2.2>;answer-after=0", 0.0),
        ("Call-Info: <http://a/,x>;purpose=icon, <sip:b>; Answer-After=5", 5.0),
        ("Alert-Info: <http://127.0.0.1>;info=alert-autoanswer", 0.0),
        ('Alert-Info: <http://127.0.0.1>;info="Auto Answer";x', 0.0),
        ("Alert-Info: ;info=Ring-AutoAnswer", 0.0),
        ("Alert-Info: <urn:x>;info=alert-external", None),
        ("Answer-Mode: Auto;require", 0.0),
        ("Priv-Answer-Mode: auto", 0.0),
        ("Answer-Mode: Manual", None),
        ("Call-Info: <sip:b>;answer-after=never", None),
        ("Call-Info: <sip:b>;answer-after=86400", None),
        ("Call-Info: <sip:b>;answer-after=" + "9" * 5000, None),
        ("Call-Info: <sip:b>;answer-after=\N{SUPERSCRIPT TWO}", None),
        ('Call-Info: <sip:b>;answer-after="0', None),
        ("Call-Info: <sip:b>", None),
        ("", None),
    ],
)
def test_customs_of_intercoms(header: str, delay: float | None) -> None:
    assert auto_answer_delay(request("INVITE", extra=header)) == delay
