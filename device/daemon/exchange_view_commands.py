"""`offhook exchange registrations`, `calls`, `records`, `accounting`, `ban`: what goes on and what went on."""

import time
from collections.abc import Sequence

from device.annotations import Any, Final
from device.daemon.exchange_commands import Action, Desk, take_words
from device.daemon.exchange_tables import Table, told
from device.daemon.options import UsageError
from device.model import Binding
from device.store.accounting import Accounting, CallDetails
from device.store.bindings import Bindings

SHOWN: Final = 50
"""Records that are shown where nobody says how many."""


def _registrations(desk: Desk, words: tuple[str, ...]) -> str:
    users = words[:1]
    take_words("registrations", words[1:])
    found = desk.live.registrations() if desk.live is not None else Bindings(desk.database).load(desk.unix_now)
    rows = [_registration(one, desk.unix_now) for one in found if not users or one.aor.startswith(f"sip:{users[0]}@")]
    return told(Table("registrations", rows, "nobody is registered"), desk.form)


def _registration(binding: Binding, unix_now: float) -> dict[str, Any]:
    return {
        "user": binding.aor.removeprefix("sip:"),
        "contact": binding.contact,
        "expires_s": max(0, round(binding.expires_at - unix_now)),
        "q": binding.q,
        "received": binding.received,
        "path": binding.path,
        "instance": binding.instance,
        "reg_id": binding.reg_id,
        "phone": binding.user_agent,
    }


def _calls(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("calls", words)
    found = desk.live.calls() if desk.live is not None else CallDetails(desk.database).open_calls()
    rows = [
        {
            "caller": call.caller,
            "called": call.called,
            "state": "talking" if call.answered_at else "ringing",
            "for_s": max(0, round(desk.unix_now - (call.answered_at or call.set_up_at))),
            "answered_by": call.answered_by,
            "call_id": call.call_id,
        }
        for call in found
    ]
    return told(Table("calls", rows, "there is no call now"), desk.form)


def _records(desk: Desk, words: tuple[str, ...]) -> str:
    limit = _limit("records", words)
    rows = [
        {
            "set_up": _moment(call.set_up_at, desk.form),
            "answer": _moment(call.answered_at, desk.form),
            "end": _moment(call.ended_at, desk.form),
            "duration_s": round(call.duration_s, 1),
            "caller": call.caller,
            "called": call.called,
            "answered_by": call.answered_by,
            "status": call.sip_code,
            "cause": call.cause,
            "ended_by": call.ended_by,
            "call_id": call.call_id,
        }
        for call in CallDetails(desk.database).recent(limit)
    ]
    return told(Table("records", rows, "no call has ended yet"), desk.form)


def _accounting(desk: Desk, words: tuple[str, ...]) -> str:
    kinds = {"registrations": True, "calls": False}
    kind = next((kinds[word] for word in words[:1] if word in kinds), None)
    limit = _limit("accounting", words if kind is None else words[1:])
    rows = [
        {
            "time": _moment(one.time, desk.form),
            "method": one.method,
            "code": one.sip_code,
            "reason": one.sip_reason,
            "src_user": one.src_user,
            "dst_user": one.dst_user,
            "src_ip": one.src_ip,
            "setup_s": one.setuptime,
            "duration_s": one.ms_duration / 1000,
            "call_id": one.callid,
        }
        for one in Accounting(desk.database).recent(limit, kind)
    ]
    return told(Table("accounting", rows, "nothing has been accounted yet"), desk.form)


def _limit(command: str, words: Sequence[str]) -> int:
    if len(words) > 1 or any(not (word.isascii() and word.isdigit()) for word in words):
        raise UsageError(f"{command}: {' '.join(words)!r} is not understood: say how many of the newest, such as 100")
    return int(words[0]) if words else SHOWN


def _moment(unix_s: float, form: str) -> object:
    """For people the local time, for programs Unix seconds; nothing for what did not happen."""
    if form == "text":
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix_s)) if unix_s else ""
    return round(unix_s, 3) if unix_s else None


def _bans(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("ban list", words)
    if desk.live is None:
        raise UsageError("ban list: no exchange runs here, and bans end with it")
    rows = [{"sender": sender, "for_s": round(left_s), "reason": reason} for sender, left_s, reason in desk.live.bans()]
    return told(Table("bans", rows, "nobody is banned"), desk.form)


def _lift(desk: Desk, words: tuple[str, ...]) -> str:
    (sender,) = take_words("ban lift", words, "an address as `ban list` shows it")
    if desk.live is None or not desk.live.lift_ban(sender):
        raise UsageError(f"{sender} is not banned: `offhook exchange ban list` shows who is")
    return f"{sender} is heard again\n"


def _overview(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("overview", words)
    return f"{_registrations(desk, ())}\n{_calls(desk, ())}"


ACTIONS: Final[dict[str, Action]] = {
    "registrations": _registrations,
    "calls": _calls,
    "records": _records,
    "accounting": _accounting,
    "overview": _overview,
    "ban list": _bans,
    "ban lift": _lift,
}
