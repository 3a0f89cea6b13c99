"""`offhook exchange service`, `page` and `voicemail`: what the services are, and what is in the boxes."""

import os
import time

from device.annotations import Any, Final
from device.daemon.config import parse_section
from device.daemon.exchange_commands import Action, Desk, take_values, take_words
from device.daemon.exchange_tables import answer
from device.daemon.options import UsageError
from device.daemon.services.load import load_groups, load_settings, service_values, stored_group
from device.daemon.services.mailboxes import MailboxFiles
from device.exchange.services.orders import PagingGroup
from device.exchange.services.settings import USUAL_NUMBERS, ServiceSettings, number_fault
from device.exchange.services.voicemail import Message
from device.ids import SystemIds
from device.media.codecs import CODEC_NAMES, codec_class
from device.records import asdict, fields
from device.sip.hop import ip_literal
from device.store.errors import UnknownEntryError
from device.store.paging import PagingGroups
from device.store.settings import Settings
from device.store.subscribers import Subscribers

PIN_DIGITS: Final = range(4, 13)
NO_GROUP: Final = "there is no paging group: `offhook exchange page add 7001 members=1001,1002` makes one\n"
MULTICAST_V4: Final = range(224, 240)
GROUP_FIELDS: Final = {
    "members": "users with commas between them, who are called",
    "multicast": "ADDRESS:PORT of a multicast group, such as 239.255.0.1:5004",
    "codec": "of the multicast: PCMU, PCMA or G722",
}


def _values(section: dict[str, str]) -> ServiceSettings:
    faults: list[str] = []
    settings = parse_section(ServiceSettings, section, faults)
    faults += settings.faults()
    if faults:
        raise UsageError("nothing was changed: " + "; ".join(faults))
    return settings


def _set(desk: Desk, words: tuple[str, ...]) -> str:
    if not words:
        raise UsageError("service set: give NAME=VALUE; `offhook exchange service list` shows what there is")
    changes = {
        f"{ServiceSettings.SECTION}.{name}": value or None
        for name, value in take_values("service set", words, ServiceSettings.HELP).items()
    }
    settings = Settings(desk.database)
    stored = service_values(settings.get_all())
    _values({key: value for key, value in {**stored, **changes}.items() if value is not None})
    settings.set_many(changes)
    return "".join(_changed(key.partition(".")[2], value) for key, value in changes.items())


def _changed(name: str, value: str | None) -> str:
    if value is None:
        return f"{name} is as it was at first\n"
    return f"{name} is {'set' if name in ServiceSettings.SECRETS else value} now\n"


def _on(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("service on", words)
    stored = load_settings(desk.database)
    wanted = tuple(f"{name}={number}" for name, number in USUAL_NUMBERS.items() if not getattr(stored, name))
    said = _set(desk, wanted) if wanted else ""
    return f"{said}{_list(desk, ())}"


def _list(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("service list", words)
    settings = load_settings(desk.database)
    lines = []
    for item in fields(settings):
        value = getattr(settings, item.name)
        if item.name in ServiceSettings.SECRETS and value:
            value = "(set)"
        shown = {True: "on", False: "off", "": "-"}.get(value, value) if isinstance(value, bool | str) else value
        lines.append(f"{item.name:<20} {shown!s:<16} {ServiceSettings.HELP[item.name]}\n")
    return "".join(lines)


def _calls(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("service calls", words)
    calls: list[dict[str, Any]] = desk.running.get("service_calls", [])
    lines = [f"{call['call']}  {call['caller']}  {call['service']}  {call['room'] or '-'}\n" for call in calls]
    return answer("service_calls", calls, desk.form, "".join(lines) or "nobody is with a service now\n")


# Paging.


def _add_group(desk: Desk, words: tuple[str, ...]) -> str:
    (number,) = take_words("page add", words[:1], "the number of the group")
    values = take_values("page add", words[1:], GROUP_FIELDS)
    if fault := number_fault(number):
        raise UsageError(f"page add: {fault}")
    members = tuple(name.strip() for name in values.get("members", "").split(",") if name.strip())
    known = {aor.user for aor in Subscribers(desk.database).list()}
    if unknown := [name for name in members if name not in known]:
        raise UsageError(f"page add: there is no user {unknown[0]}; `offhook exchange user list` shows them")
    multicast = _multicast(values["multicast"]) if values.get("multicast") else None
    codec = values.get("codec", "PCMU").upper()
    if codec not in CODEC_NAMES or codec_class(codec).payload_type is None:
        raise UsageError(f"page add: codec={codec}: write PCMU, PCMA or G722")
    if not members and multicast is None:
        raise UsageError("page add: give members=, multicast= or both")
    group = PagingGroup(number, members, multicast, codec)
    PagingGroups(desk.database).put(stored_group(group))
    return f"{_group_text(group)}\n"


def _multicast(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    address = ip_literal(host.strip("[]"))
    first = (address or "").partition(".")[0]
    is_multicast = address is not None and (
        address.lower().startswith("ff") if ":" in address else first.isdigit() and int(first) in MULTICAST_V4
    )
    if not is_multicast or address is None or not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise UsageError(f"page add: multicast={text}: write ADDRESS:PORT, such as 239.255.0.1:5004")
    return address, int(port)


def _remove_group(desk: Desk, words: tuple[str, ...]) -> str:
    (number,) = take_words("page remove", words, "the number of the group")
    PagingGroups(desk.database).remove(number)
    return f"paging group {number} is removed\n"


def _list_groups(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("page list", words)
    groups = load_groups(desk.database)
    text = "".join(f"{_group_text(group)}\n" for group in groups) or NO_GROUP
    return answer("groups", [asdict(stored_group(group)) for group in groups], desk.form, text)


def _group_text(group: PagingGroup) -> str:
    text = f"{group.number} pages {', '.join(group.members) or 'nobody by calls'}"
    if group.multicast is not None:
        text += f", and sends {group.codec} to {group.multicast[0]} port {group.multicast[1]}"
    return text


# Voicemail.


def boxes_at(desk: Desk) -> MailboxFiles:
    """The voicemail boxes beside the store."""
    users = {aor.user for aor in Subscribers(desk.database).list() if aor.domain == desk.domain}
    boxes = MailboxFiles(desk.database, load_settings(desk.database), SystemIds(), users.__contains__)
    boxes.on_change = desk.running.get("voicemail_changed") or boxes.on_change
    return boxes


def _list_messages(desk: Desk, words: tuple[str, ...]) -> str:
    box = take_words("voicemail list", words, *("a user",) * len(words[:1]))[0] if words else ""
    boxes = boxes_at(desk)
    found = boxes.messages(box) if box else boxes.everything()
    text = "".join(map(_line, found)) or "there is no message\n"
    return answer("messages", [asdict(message) for message in found], desk.form, text)


def _line(message: Message) -> str:
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(message.received_at))
    state = "old" if message.heard else "new"
    caller = f"{message.caller_name} <{message.caller}>" if message.caller_name else message.caller or "unknown"
    return f"{message.box:<8} {state} {at} {message.seconds:>4.0f} s  {caller}  {message.path}\n"


def _find(desk: Desk, command: str, words: tuple[str, ...]) -> tuple[MailboxFiles, Message]:
    (name,) = take_words(command, words, "a message, by its file or the name of that")
    wanted = os.path.basename(name).removesuffix(".wav")
    boxes = boxes_at(desk)
    for message in boxes.everything():
        if message.name == wanted:
            return boxes, message
    raise UnknownEntryError(f"there is no message {name}: `offhook exchange voicemail list` shows them")


def _delete(desk: Desk, words: tuple[str, ...]) -> str:
    boxes, message = _find(desk, "voicemail delete", words)
    boxes.delete(message)
    return f"message {message.name} is deleted\n"


def _mark(desk: Desk, words: tuple[str, ...]) -> str:
    if len(words) != 2 or words[1] not in ("old", "new"):
        raise UsageError("voicemail mark: give a message, and old or new")
    boxes, message = _find(desk, "voicemail mark", words[:1])
    boxes.mark_heard(message, words[1] == "old")
    return f"message {message.name} is {words[1]}\n"


def _pin(desk: Desk, words: tuple[str, ...]) -> str:
    if len(words) not in (1, 2) or (len(words) == 2 and words[1] != "none"):
        raise UsageError("voicemail pin: give a user and --password-stdin for the PIN, or a user and none")
    box, boxes = words[0], boxes_at(desk)
    if not boxes.has(box):
        raise UnknownEntryError(f"the exchange has no user {box}: `offhook exchange user list` shows them")
    if len(words) == 2:
        boxes.set_pin(box, "")
        return f"the voicemail of {box} has no PIN now: it opens from its own phone alone\n"
    pin = desk.secret
    if not (pin.isascii() and pin.isdigit() and len(pin) in PIN_DIGITS):
        raise UsageError(
            f"voicemail pin: type, or pipe in with --password-stdin, {PIN_DIGITS[0]} to {PIN_DIGITS[-1]} digits"
        )
    boxes.set_pin(box, pin)
    return f"the voicemail of {box} has a new PIN\n"


ACTIONS: Final[dict[str, Action]] = {
    "service on": _on,
    "service set": _set,
    "service list": _list,
    "service calls": _calls,
    "page add": _add_group,
    "page remove": _remove_group,
    "page list": _list_groups,
    "voicemail list": _list_messages,
    "voicemail delete": _delete,
    "voicemail mark": _mark,
    "voicemail pin": _pin,
}
