"""Which device this is: an instance id that every start finds again (RFC 5626 section 4.1), without anything stored."""

import os

from device import plain_logging as logging
from device.sip.digest import ha1
from device.sip.instance import Instance

logger = logging.getLogger(__name__)

SOURCES = ("proc/device-tree/serial-number", "etc/machine-id", "var/lib/dbus/machine-id")
"""What tells one board from another, the best first: copied cards share everything but the serial number."""
NETWORK_CARDS = "sys/class/net"
PURPOSE = "offhook instance id"
JUST_STARTED_S = 120.0
"""A machine that runs for no longer than this has just been started, on the monotonic clock of Linux."""


def device_instance(store: str, root: str = "/") -> Instance:
    """This device by the board and the store, since two phones may run on one board; `root` is where files lie.

    Neither serial number nor machine id can be read back from it: servers and other phones are shown the hash alone.
    """
    digest = ha1("SHA-256", _board(root), os.path.abspath(store), PURPOSE)
    # A UUID of our own making is of version 8 (RFC 9562 section 5.8).
    uuid = (
        f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{'89ab'[int(digest[16], 16) % 4]}{digest[17:20]}-{digest[20:32]}"
    )
    return Instance(f"urn:uuid:{uuid}", int(digest[32:40], 16) / 2**32)


def power_up_delay(instance: Instance, spread_s: float, was_cut_off: bool, now: float) -> float:
    """How long this device holds back its first registration, in seconds; `now` is monotonic.

    Where the power has failed, all phones of a house come back at the same moment. It has where the machine has just
    started and our store had not been closed in order; any other start goes ahead at once.
    """
    return spread_s * instance.spread if was_cut_off and now < JUST_STARTED_S else 0.0


def _board(root: str) -> str:
    for source in SOURCES:
        text = _read(os.path.join(root, source))
        if text:
            return text
    address = first_mac(os.path.join(root, NETWORK_CARDS))
    if address:
        return address
    logger.warning("this board has no serial number, machine id or network card: it is another device at each start")
    return os.urandom(16).hex()


def first_mac(folder: str = f"/{NETWORK_CARDS}") -> str:
    """The hardware address of the first network card that has one of its own; empty where there is none."""
    try:
        cards = sorted(os.listdir(folder))
    except OSError:
        cards = []
    addresses = (_read(os.path.join(folder, card, "address")) for card in cards)
    return next((address for address in addresses if address.strip("0:")), "")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(256).strip("\0 \n")
    except OSError:
        return ""
