"""SIP parsers from PyPI at work, in a process and an environment of their own; `messages` asks for their rates.

A line on standard input names a library, a kind of work, a message and a time in seconds; the answer is how often that
work was done in a second. Nothing of offhook is imported here but the two sample messages.
"""

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from sample_messages import INVITE, OK  # the environment knows nothing of this tree

BATCH = 20
SAMPLES = {"INVITE": INVITE, "200": OK}
Work = Callable[[], object]


def sipmessage_works(data: bytes) -> dict[str, Work]:
    message_class = importlib.import_module("sipmessage").Message

    def use() -> tuple[object, ...]:
        message = message_class.parse(data)
        contact, via = message.contact[0], message.via[0]
        return (
            via.parameters["branch"],
            message.from_address.parameters.get("tag"),
            message.to_address.uri,
            message.cseq.sequence,
            message.call_id,
            contact.uri,
            message.body,
        )

    parsed = message_class.parse(data)
    return {"parse": lambda: message_class.parse(data), "use": use, "encode": lambda: bytes(parsed)}


def sippy_works(data: bytes) -> dict[str, Work]:
    request = importlib.import_module("sippy.SipRequest").SipRequest
    response = importlib.import_module("sippy.SipResponse").SipResponse
    kind, text = (response if data.startswith(b"SIP/") else request), data.decode()

    def parse() -> object:
        # The body is read when it is first asked for.
        return kind(text)

    def use() -> tuple[object, ...]:
        message = kind(text)
        return (
            message.getHFBody("via").getBranch(),
            message.getHFBody("from").getTag(),
            message.getHFBody("to").getUri(),
            message.getHFBody("cseq").getCSeqNum(),
            str(message.getHFBody("call-id")),
            message.getHFBody("contact").getUri(),
            message.getBody(),
        )

    parsed = kind(text)
    return {"parse": parse, "use": use, "encode": lambda: str(parsed).encode()}


def aiosipua_works(data: bytes) -> dict[str, Work]:
    message_class = importlib.import_module("aiosipua").SipMessage

    def use() -> tuple[object, ...]:
        message = message_class.parse(data)
        return (
            message.via[0].branch,
            message.from_addr.tag,
            message.to_addr.uri,
            message.cseq.seq,
            message.call_id,
            message.contact[0].uri,
            message.body,
        )

    parsed = message_class.parse(data)
    return {"parse": lambda: message_class.parse(data), "use": use, "encode": lambda: bytes(parsed)}


WORKS = {"sipmessage": sipmessage_works, "sippy": sippy_works, "aiosipua": aiosipua_works}


def rate(work: Work, seconds: float) -> float:
    """How often `work` can be done in a second."""
    count = 0
    began = time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        for _ in range(BATCH):
            work()
        count += BATCH
    return count / spent


def main() -> None:
    works = {(name, sample): WORKS[name](data) for name in WORKS for sample, data in SAMPLES.items()}
    right = all(102 in work["use"]() for work in works.values())  # the number of the CSeq
    sys.stdout.write("ready\n" if right else "wrong\n")
    sys.stdout.flush()
    for line in sys.stdin:
        name, kind, sample, seconds = line.split()
        sys.stdout.write(f"{rate(works[name, sample][kind], float(seconds))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
