"""What DNS said about a server, step by step, and what is wrong with it, in words. Pure.

For `test dns` at the console and `offhook test dns`; both take what the method test.dns answers and tells.
"""

from collections.abc import Mapping

from device.annotations import Any, NamedTuple
from device.console.layout import duration

Step = Mapping[str, Any]

SYSTEM = "system"
FAULTS = {
    "no-name": "there is no such name (NXDOMAIN)",
    "no-record": "the name has no such record",
    "no-answer": "no answer",
    "server-failure": "the name server cannot find it out (SERVFAIL)",
    "refused": "the name server refuses to answer us (REFUSED)",
    "not-understood": "the name server does not understand the question",
    "truncated": "too long for UDP, so it is asked over TCP",
}
SILENT = ("no-answer",)
UNWILLING = ("server-failure", "refused", "not-understood")
REPAIR = "make that server answer, or take it out of sip.dns_servers or of the network's settings"
ANOTHER_SERVER = "try another one: `set sip.dns_servers 192.0.2.53`, with the address of one that works"


def target_line(target: Mapping[str, Any]) -> str:
    """What is looked up."""
    port = f" port {target['port']}" if target["port"] else ""
    transport = f" by {target['transport']}" if target["transport"] else ""
    if target["address"]:
        return f"{target['name']}: {target['host']}{port}{transport} is an address; DNS is not needed"
    return f"{target['name']}: where is {target['host']}{port}{transport}?"


def servers_line(answer: Mapping[str, Any]) -> str:
    """Who is asked."""
    if not answer["servers"]:
        return "no name server is known: the system's own ways are asked (hosts file, mDNS)"
    place = "sip.dns_servers" if answer["told_by"] == "settings" else "/etc/resolv.conf"
    return f"name servers: {', '.join(answer['servers'])} (from {place})"


def step_lines(step: Step) -> list[str]:
    """One question and its answer; further records stand below."""
    fault = str(step["fault"])
    said = FAULTS.get(fault, fault) if fault else str(step["records"][0])
    kept = f", kept for {duration(step['ttl_s'])}" if step["ttl_s"] else ""
    who = "the system" if step["server"] == SYSTEM else str(step["server"])
    head = f"  {step['type']:<7} {step['name']}"
    lines = [head, f"          {who}, {1000 * float(step['seconds']):.0f} ms: {said}{kept}"]
    return lines + [f"          and {record}" for record in step["records"][1:]]


class Finding(NamedTuple):
    """What is wrong, and what to do."""

    text: str
    remedy: str


def findings(steps: list[Step], hops: list[str], servers: list[str], target: Mapping[str, Any]) -> list[Finding]:
    """Everything that is wrong with the look-up of a target, the weightiest first; nothing where all is well."""
    nobody = not any(_is_answer(step) for step in steps)
    found = [] if hops else _why_nothing(steps, servers, target)
    return found + _dead_targets(steps) + ([] if nobody and not hops else _bad_servers(steps))


def _why_nothing(steps: list[Step], servers: list[str], target: Mapping[str, Any]) -> list[Finding]:
    host = str(target["host"])
    answers = [step for step in steps if _is_answer(step)]
    if not servers and not any(step["records"] for step in steps):
        return [
            Finding(
                f"no name server is set up, and the system does not know {host} either",
                "`show network` shows whether DHCP gave a name server; or `set sip.dns_servers 192.0.2.53`",
            )
        ]
    if not answers:
        return _nobody_answers(steps)
    addresses = [step for step in steps if step["name"] == host and step["type"] in ("A", "AAAA", "address")]
    if any(step["fault"] == "no-name" for step in answers if step["name"] == host):
        return [Finding(f"the name {host} does not exist", _spelling(target))]
    if any(_is_refusal(step) for step in steps):
        return [
            Finding(
                f"{host} says in DNS that it has no such service (SRV with target .)",
                "choose another transport: `set account NAME transport auto`, or ask the operator of the domain",
            )
        ]
    if addresses and not any(step["records"] for step in addresses):
        way = f" by {target['transport']}" if target["transport"] else ""
        return [
            Finding(f"{host} exists, but has no address and names no SIP server{way} (SRV)", _spelling(target, way))
        ]
    return []


def _nobody_answers(steps: list[Step]) -> list[Finding]:
    servers = ", ".join(dict.fromkeys(str(step["server"]) for step in steps)) or "they"
    if steps and all(step["fault"] in UNWILLING for step in steps):
        return [Finding(f"the name servers ({servers}) answer, but will not or cannot tell", ANOTHER_SERVER)]
    reasons = {str(step["fault"]) for step in steps if step["fault"] not in SILENT}
    reason = f" ({', '.join(sorted(FAULTS.get(item, item) for item in reasons))})" if reasons else ""
    return [
        Finding(
            f"no name server answers: {servers}{reason}",
            f"is the network well (`show network`, `why`)? If it is, {ANOTHER_SERVER}",
        )
    ]


def _bad_servers(steps: list[Step]) -> list[Finding]:
    """Servers that leave questions open which others must answer then."""
    found = []
    for server in dict.fromkeys(str(step["server"]) for step in steps if step["server"] != SYSTEM):
        said = [step for step in steps if step["server"] == server]
        if all(step["fault"] and step["fault"] not in ("no-name", "no-record", "truncated") for step in said):
            lost = sum(float(step["seconds"]) for step in said)
            fault = FAULTS.get(str(said[0]["fault"]), str(said[0]["fault"]))
            found.append(Finding(f"{server}: {fault}; {lost:.1f} s were lost by asking it", REPAIR))
    return found


def _dead_targets(steps: list[Step]) -> list[Finding]:
    """Servers that SRV names and that have no address."""
    named = {
        str(record).partition(":")[0]
        for step in steps
        if step["type"] == "SRV"
        for record in step["records"]
        if not str(record).startswith(".:")
    }
    found = []
    for name in sorted(named):
        asked = [step for step in steps if step["name"] == name and step["type"] in ("A", "AAAA", "address")]
        if asked and not any(step["records"] for step in asked):
            why = FAULTS.get(str(asked[-1]["fault"]), str(asked[-1]["fault"]))
            remedy = "the operator of the domain must mend it; until then `set account NAME registrar HOST`"
            found.append(Finding(f"SRV names {name} as a server, which has no address: {why}", remedy))
    return found


def _is_answer(step: Step) -> bool:
    """Whether somebody who knows has answered, be it that there is nothing."""
    return not step["fault"] or step["fault"] in ("no-name", "no-record")


def _is_refusal(step: Step) -> bool:
    return step["type"] == "SRV" and any(str(record).startswith(".:") for record in step["records"])


def _spelling(target: Mapping[str, Any], way: str = "") -> str:
    name = target["name"]
    if not target["account"]:
        return "is it spelt right, and meant to be reached from this network?"
    other = f"; `set account {name} transport auto` takes what DNS offers" if way else ""
    return f"is it spelt right? `show accounts` shows it, `set account {name} address USER@DOMAIN` changes it{other}"


def verdict_lines(places: list[str], found: list[Finding]) -> list[str]:
    """The end of a look-up: where the server is, what is wrong, and what to do."""
    lines = [f"  to be tried in this order: {', '.join(places)}" if places else "  FAULT: the server is not found"]
    for text, remedy in found:
        lines += [f"  {'note' if places else 'because'}: {text}", f"  do: {remedy}"]
    return lines


class DnsReport:
    """The course of one test.dns, of what it answered and of what came in the topic dns."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self._answer = answer
        self._targets: list[Mapping[str, Any]] = answer["targets"]
        self._steps: dict[int, list[Step]] = {place: [] for place in range(len(self._targets))}
        self._hops: dict[int, list[str]] = {}
        self._begun: set[int] = set()

    @property
    def is_done(self) -> bool:
        return all(target["address"] or place in self._hops for place, target in enumerate(self._targets))

    @property
    def is_good(self) -> bool:
        """Whether every server was found."""
        return self.is_done and all(self._hops.values())

    def head(self) -> list[str]:
        """What is to be looked up, and who is asked."""
        plain = [target_line(target) for target in self._targets if target["address"]]
        return [servers_line(self._answer), *plain] if len(plain) < len(self._targets) else plain

    def receive(self, params: Mapping[str, Any]) -> list[str]:
        """The lines that an event of the topic brings; none for one of another test."""
        place = params.get("target")
        if params.get("test") != self._answer["test"] or place not in self._steps or place in self._hops:
            return []
        target, lines = self._targets[place], []
        if place not in self._begun:
            self._begun.add(place)
            lines.append(target_line(target))
        if "hops" not in params:
            self._steps[place].append(params)
            return lines + step_lines(params)
        hops = self._hops[place] = [str(hop) for hop in params["hops"]]
        if hops and not self._steps[place]:
            lines.append("  the hosts file (/etc/hosts) knows it; no name server is asked")
        return lines + verdict_lines(hops, self._findings(place))

    def facts(self) -> dict[str, object]:
        """The whole of it for a program."""
        found = [
            {
                **target,
                "steps": [
                    {name: value for name, value in step.items() if name not in ("test", "target")}
                    for step in self._steps[place]
                ],
                "hops": self._hops.get(place, []),
                "findings": [{"text": item.text, "remedy": item.remedy} for item in self._findings(place)],
            }
            for place, target in enumerate(self._targets)
        ]
        return {"servers": self._answer["servers"], "told_by": self._answer["told_by"], "targets": found}

    def _findings(self, place: int) -> list[Finding]:
        if self._targets[place]["address"]:
            return []
        servers = self._answer["servers"]
        return findings(self._steps[place], self._hops.get(place, []), servers, self._targets[place])
