"""Why does it not ring? The chain from power to registration, link by link, until the first that is broken. Pure.

For `why` at the console and `offhook why`. `ask` calls a method of the phone; who cannot be asked is a finding as well.
"""

from collections.abc import Callable, Iterator, Mapping

from device.annotations import Any
from device.console.setup.explain import explain_registration, is_about_names
from device.control.errors import ControlError, DaemonUnreachableError
from device.records import dataclass

Ask = Callable[..., Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain. `good` None: it could not be looked at."""

    area: str
    good: bool | None
    text: str
    remedy: str = ""


def examine(ask: Ask) -> Iterator[Link]:
    """Every link in its order; those after a phone that does not answer are left out."""
    try:
        status = ask("status")
    except DaemonUnreachableError as error:
        yield Link("phone", False, "the phone does not run", str(error))
        return
    yield _power(ask)
    yield Link("phone", True, f"runs for {int(status['uptime_s'])} s")
    yield from _store(status)
    yield from _board(status)
    yield from _looked_at("card", lambda: _card(ask, status))
    yield from _looked_at("network", lambda: _network(ask))
    yield from _looked_at("registration", lambda: _accounts(ask, status))
    yield from _desk(status)


def _looked_at(area: str, look: Callable[[], Iterator[Link]]) -> Iterator[Link]:
    """What `look` finds, or that it could not be looked at."""
    try:
        yield from look()
    except ControlError as error:
        yield Link(area, None, f"cannot be looked at: {error}")


def first_fault(links: list[Link]) -> Link | None:
    """The first broken link: what is to be mended before all others."""
    return next((link for link in links if link.good is False), None)


def _power(ask: Ask) -> Link:
    try:
        faults = ask("machine.show")["power_faults"]
    except ControlError:
        return Link("power", None, "this version of the phone does not tell")
    if faults is None:
        return Link("power", None, "this board does not tell of its supply")
    if faults:
        return Link(
            "power", False, f"the supply is too weak: {', '.join(faults)}", "use the supply made for this board"
        )
    return Link("power", True, "the voltage has been right since the start")


def _store(status: Mapping[str, Any]) -> Iterator[Link]:
    notices = [str(notice) for notice in status.get("notices", ()) if "sound card" not in str(notice)]
    for notice in notices:
        yield Link(
            "store" if "store" in notice or "database" in notice else "settings", False, notice, "see `show log`"
        )
    if not notices:
        yield Link("store", True, "settings and accounts are as they were stored")


def _board(status: Mapping[str, Any]) -> Iterator[Link]:
    board = status["board"]
    if board.get("fault"):
        yield Link("GPIO", False, f"the board is not there: {board['fault']}", "`offhook doctor` says what is missing")
        return
    missing = dict(board.get("missing") or {})
    for name, reason in missing.items():
        yield Link("GPIO", False, f"{name} does not work: {reason}", "free the line, or change the board profile")
    if not missing:
        yield Link("GPIO", True, f"{board.get('profile')}: every line is held")


def _card(ask: Ask, status: Mapping[str, Any]) -> Iterator[Link]:
    faults = [str(notice) for notice in status.get("notices", ()) if "sound card" in str(notice)]
    if faults:
        yield Link("card", False, faults[0], "`setup sound` chooses another; `offhook doctor` says more")
        return
    kind = str(ask("settings.get", key="audio.kind")["value"])
    if kind != "alsa":
        yield Link("card", True, f"none is used (audio.kind is {kind})")
        return
    cards = ask("setup.cards")["cards"]
    wanted = str(ask("settings.get", key="audio.playback_device")["value"])
    if not cards:
        yield Link("card", False, "there is no sound card", "plug one in; the phone takes it when it comes")
    elif "CARD=" in wanted and not any(f"CARD={card['name']}" in wanted for card in cards):
        names = ", ".join(str(card["name"]) for card in cards)
        yield Link("card", False, f"{wanted} is not there; there is {names}", "plug it in, or `setup sound`")
    else:
        yield Link("card", True, wanted)


def _network(ask: Ask) -> Iterator[Link]:
    facts = ask("network.show")
    wires = [item for item in facts["interfaces"] if item["name"] != "lo"]
    addressed = [item for item in wires if item["addresses"]]
    linked = [item for item in wires if item["state"] == "up"]
    if not addressed:
        why = "no cable or no wireless network" if not linked else "a cable, but no address"
        remedy = "plug in the cable" if not linked else "is there a DHCP server? `show network` shows what there is"
        if wires or not any("127." in text for item in facts["interfaces"] for text in item["addresses"]):
            yield Link("network", False, why, remedy)
            return
    shown = ", ".join(f"{item['name']} {item['addresses'][0]}" for item in addressed) or "loopback alone"
    yield Link("network", True, shown)
    if not facts["name_servers"]:
        yield Link("DNS", None, "no name server; servers can be given by address only")
    else:
        yield Link("DNS", True, f"asks {', '.join(map(str, facts['name_servers']))}")


def _accounts(ask: Ask, status: Mapping[str, Any]) -> Iterator[Link]:
    accounts = [account for account in status["accounts"] if account.get("enabled", True)]
    if not accounts:
        direct = str(ask("settings.get", key="phone.direct_calls")["value"])
        if direct in ("yes", "on", "true"):
            yield Link("registration", True, "none: calls go straight by IP")
        else:
            yield Link("registration", False, "there is no account", "`setup account` makes one")
        return
    for account in accounts:
        yield _account(account)


def _account(account: Mapping[str, Any]) -> Link:
    name = str(account["id"])
    first, *rest = explain_registration(account)
    if account["state"] == "registered":
        return Link("registration", True, f"{name}: registered as {account['user']}@{account['domain']}")
    remedy = rest[0] if rest else ""
    status = int(account.get("status") or 0)
    if status in (401, 403, 407):
        area = "credentials"
    elif is_about_names(account.get("text")):
        area = "DNS"
        if "test dns" not in remedy:
            remedy = f"{remedy}; `test dns {name}` shows what each name server says"
    elif status == 0 or status in (408, 503, 504):
        area = "server"
    else:
        area = "registration"
    return Link(area, False, f"{name}: {first}", remedy)


def _desk(status: Mapping[str, Any]) -> Iterator[Link]:
    phone, board = status["phone"], status["board"]
    if phone.get("state") == "out-of-service":
        yield Link("phone", False, "out of service: nobody is registered", "mend what stands above")
        return
    if board.get("hook") == "off-hook" and phone.get("call") is None:
        yield Link(
            "handset", False, "the handset is off the hook, so that callers hear busy", "put it back; see `trace gpio`"
        )
    else:
        yield Link("handset", True, f"{board.get('hook') or 'no hook switch'}; the phone is {phone.get('state')}")
    if (
        board.get("profile")
        and "ringing" in board
        and not any("ringer" in str(line.get("name")) for line in board.get("lines", ()))
    ):
        yield Link("bell", None, "this board has no bell; a sounder is `audio`'s matter")


def lines_of(links: list[Link]) -> list[str]:
    """The chain for a person, and at its end what to do first."""
    marks = {True: "ok   ", False: "FAULT", None: "  ?  "}
    lines = [f"{marks[link.good]} {link.area:<13} {link.text}" for link in links]
    fault = first_fault(links)
    lines.append("")
    if fault is None:
        lines.append("Nothing is wrong with what the phone can see. Call it: `monitor` shows whether the call arrives.")
    else:
        lines.append(f"First: {fault.text}.")
        if fault.remedy:
            lines.append(f"Do: {fault.remedy}.")
    return lines
