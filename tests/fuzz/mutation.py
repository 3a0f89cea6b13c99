"""Inputs made from seeds by chance that can be repeated, where no coverage guides."""

import random
from collections.abc import Sequence

from tests.fuzz.targets import CUT

PIECES = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b"\r\n ", b"\r\n\r\n", b":", b";", b",", b"<", b">", b'"', b"\\", b"%",
    b"%00", b"%ZZ", b"=", b"@", b"?", b"&", b"[", b"]", b"[::1]", b"\xff", b"\xc3", b"\xed\xa0\x80", b"SIP/2.0",
    b"SIP/9.9", b"sip:", b"tel:", b"99999999999999999999", b"-1", b"4294967296", b"Via: ", b"v:", b"l: 5\r\n",
    b"Content-Length: 0\r\n", b"tag=", b"Contact: *\r\n", b"m: ", b"To: ", b"Max-Forwards: 1e3\r\n",
    b"CSeq: 1 X\r\n", b"\xe2\x80\xa8", b"\x1c", b"\x85", b"\xc2\x85", b'Authorization: Digest username="', b"\xd9\xa3",
    b"9" * 5000, b"\xc2\xb2", b"m=audio 0 RTP/AVP 0\r\n", b"a=fmtp:101 ", b"Require: ", b"Supported: ", b"\xc0\x0c",
    b"Call-Info: <sip:x>;answer-after=", b"Route: <sip:192.0.2.1;lr>\r\n", b"Content-Type: multipart/mixed\r\n", CUT,
]  # fmt: skip
"""What means something to some parser."""


def mutated(chance: random.Random, seeds: Sequence[bytes], others: Sequence[bytes] = ()) -> bytes:
    """One of the seeds with some places changed: overwritten, cut, repeated, or with a part of one of the others."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        start = chance.randrange(len(data) + 1)
        end = min(start + chance.choice((0, 1, 1, 2, 5, 20)), len(data))
        kind = chance.random()
        if kind < 0.5:
            data[start:end] = chance.choice(PIECES)
        elif kind < 0.7:
            data[start:end] = chance.randbytes(end - start)
        elif kind < 0.85:
            other = chance.choice(others or seeds) or b"x"
            cut = chance.randrange(len(other))
            data[start:end] = other[cut : cut + chance.choice((5, 40, 200))]
        elif kind < 0.98:
            data[start:end] = data[start:end] * chance.choice((2, 3, 50))
        else:
            del data[start:]
    return bytes(data)
