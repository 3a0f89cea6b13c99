"""What an INVITE says about being answered without a person: the customs of intercoms and paging, and RFC 5373."""

from device.sip.errors import SipParseError
from device.sip.header_syntax import is_digits, parse_params, split_commas
from device.sip.message import Request

_LONGEST_DELAY_S = 60


def auto_answer_delay(invite: Request) -> float | None:
    """Seconds after which the caller asks us to answer by ourselves, None when it does not.

    Understood: `Call-Info: <sip:x>;answer-after=0`, `Alert-Info: <...>;info=alert-autoanswer` (or `Auto Answer`),
    `Answer-Mode: Auto`. Whether to obey is for the owner to say.
    """
    headers = invite.headers
    for mode in headers.get_all("Answer-Mode") + headers.get_all("Priv-Answer-Mode"):
        if mode.partition(";")[0].strip().lower() == "auto":
            return 0.0
    try:
        return _from_info(headers.get_all("Call-Info") + headers.get_all("Alert-Info"))
    except SipParseError:
        return None


def _from_info(values: list[str]) -> float | None:
    for value in [piece for line in values for piece in split_commas(line)]:
        _, _, params = value.rpartition(">")
        if not params.lstrip().startswith(";"):
            continue
        for name, text in parse_params(params.lstrip()[1:]):
            plain = (text or "").strip('"').lower().replace(" ", "").replace("-", "")
            if name == "answer-after" and is_digits(plain) and len(plain) < 10 and int(plain) <= _LONGEST_DELAY_S:
                return float(plain)
            if name == "info" and plain in ("alertautoanswer", "autoanswer", "ringautoanswer"):
                return 0.0
    return None
