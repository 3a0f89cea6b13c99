"""Sends 500 OPTIONS at once to each port, every second, until ended: `python -m tests.bench.flood_sender PORT ...`.

A process of its own, so that it does not hold up the far end whose packets are timed.
"""

import itertools
import socket
import sys
import time

from tests.bench.registrar import HOST

MESSAGES = 500
EVERY_S = 1.0


def options_request(port: int, own_port: int, number: int) -> bytes:
    """The number-th question, a transaction and a dialog of its own."""
    lines = (
        f"OPTIONS sip:anybody@{HOST}:{port} SIP/2.0",
        f"Via: SIP/2.0/UDP {HOST}:{own_port};branch=z9hG4bK-flood-{number}",
        "Max-Forwards: 70",
        f"From: <sip:flood@{HOST}>;tag=f{number}",
        f"To: <sip:anybody@{HOST}>",
        f"Call-ID: flood-{number}@{HOST}",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:flood@{HOST}:{own_port}>",
        "Content-Length: 0",
    )
    return "\r\n".join((*lines, "", "")).encode()


def main(ports: list[int]) -> None:
    """Whatever is answered is left to the kernel, which drops it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((HOST, 0))
        sender.setblocking(False)
        own_port = sender.getsockname()[1]
        numbers = itertools.count()
        while True:
            for port in ports:
                for _ in range(MESSAGES):
                    try:
                        sender.sendto(options_request(port, own_port, next(numbers)), (HOST, port))
                    except BlockingIOError:
                        continue
            time.sleep(EVERY_S)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]])
