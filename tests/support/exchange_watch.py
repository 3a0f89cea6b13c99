"""Who sent what to whom through an exchange that runs, as rungs of a ladder."""

from collections.abc import Mapping

from device.control.client import ControlClient
from tests.support.processes import PATIENCE_S, wait_until

Rung = tuple[str, str, str]
"""From, to, and method or status with the method that it answers."""


class ExchangeWatch:
    """Follows the trace of an exchange; `names` are the peers by host:port, or by host where a port may change."""

    def __init__(self, socket_path: str, name: str, names: Mapping[str, str]) -> None:
        self._client = ControlClient(socket_path, PATIENCE_S)
        self._client.subscribe(["sip"])
        self._name = name
        self._names = dict(names)
        self._seen: set[tuple[str, str, str]] = set()
        self._rungs: list[Rung] = []

    def close(self) -> None:
        self._client.close()

    def forget(self) -> None:
        """What comes from now on counts."""
        self._collect()
        self._rungs = []

    def rungs(self) -> list[Rung]:
        """Every message since then, copies and 100 aside."""
        self._collect()
        return list(self._rungs)

    def expect(self, rung: Rung) -> None:
        """Wait until a message has gone by."""
        wait_until(f"{' '.join(rung)} at {self._name}", lambda: rung in self.rungs())

    def _collect(self) -> None:
        while (event := self._client.next_event(0.0)) is not None:
            self._take(event.params)

    def _take(self, record: Mapping[str, object]) -> None:
        text = str(record["text"])
        address = str(record["peer"]).partition(":")[2]
        peer = self._names.get(address) or self._names.get(address.rpartition(":")[0])
        first, _, rest = text.partition("\r\n")
        fields = [line.partition(":") for line in rest.partition("\r\n\r\n")[0].split("\r\n")]
        values: dict[str, str] = {}
        for name, _, value in fields:
            values.setdefault({"v": "via"}.get(name.lower().strip(), name.lower().strip()), value.strip())
        copy = (str(record["direction"]), first, values.get("via", "") + values.get("cseq", ""))
        if peer is None or copy in self._seen:
            return
        self._seen.add(copy)
        method = values.get("cseq", "").split()[-1]
        words = first.split(" ")
        what = f"{words[1]} {method}" if words[0].startswith("SIP/") else words[0]
        if what == "100 INVITE":
            return
        ends = (peer, self._name) if record["direction"] == "in" else (self._name, peer)
        self._rungs.append((*ends, what))


def legs_of(rungs: list[Rung]) -> dict[tuple[frozenset[str], str], list[Rung]]:
    """The rungs of each leg and kind of request, whose order alone is sure: a CANCEL and its INVITE end as they like.

    Without 100, which come when something takes a while, and further copies of a 180.
    """
    legs: dict[tuple[frozenset[str], str], list[Rung]] = {}
    for source, target, what in rungs:
        method = what.split(" ")[-1].replace("ACK", "INVITE")
        leg = legs.setdefault((frozenset((source, target)), method), [])
        if not what.startswith("100") and (not leg or leg[-1] != (source, target, what)):
            leg.append((source, target, what))
    return legs


def without_challenges(rungs: list[Rung]) -> list[Rung]:
    """The rungs without what a challenge costs, which a telephone that remembers a nonce saves."""
    left = list(rungs)
    for source, target, what in rungs:
        if what.split(" ")[0] in ("401", "407"):
            method = what.split(" ")[1]
            left.remove((source, target, what))
            left.remove((target, source, method))
            if method == "INVITE":
                left.remove((target, source, "ACK"))
    return left
