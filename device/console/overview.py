"""The answers of the control socket as lines for a person; for the console and the command line. Pure."""

import time
from collections.abc import Mapping, Sequence

from device.annotations import Any
from device.console.layout import duration, fields, printable, table


def status_lines(status: Mapping[str, Any], how_to_add: str) -> list[str]:
    """The daemon's status; `how_to_add` is what one types to add an account."""
    phone, board = status.get("phone", {}), status.get("board", {})
    facts = {
        "daemon": f"offhook {status['version']}, process {status['pid']}, up {duration(status.get('uptime_s', 0))}",
        "phone": phone.get("state"),
        "handset": board.get("hook"),
        "board": f"{board['profile']} ({board['driver']})" if board else None,
    }
    lines = fields({name: value for name, value in facts.items() if value})
    lines += ["", *account_lines(status["accounts"], how_to_add)]
    for account, said in status.get("waiting_messages", {}).items():
        if said.get("waiting"):
            lines.append(printable(f"messages: {said['new']} new, {said['old']} old at account {account}"))
    if status.get("calls"):
        lines += ["", *call_lines(status["calls"])]
    for notice in status.get("notices", []):
        lines += ["", printable(f"note: {notice}")]
    return lines


def account_lines(accounts: Sequence[Mapping[str, Any]], how_to_add: str) -> list[str]:
    """The accounts and how they stand with their servers."""
    return table(
        ("account", "address", "state", ""),
        [(account["id"], account.get("aor", ""), account["state"], _detail(account)) for account in accounts],
        f"no account yet: add one with `{how_to_add}`",
    )


def _detail(account: Mapping[str, Any]) -> str:
    if account["state"] == "registered":
        where = f" at {account['server']}" if account.get("server") else ""
        return f"for {duration(account.get('registered_for_s') or 0)}{where}"
    answer = (
        f"{account['status']} {account.get('text', '')}".strip() if account.get("status") else account.get("text", "")
    )
    return str(answer)


def call_lines(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    """The calls that there are."""
    rows = [
        (
            call["call"],
            call["direction"],
            call.get("remote_name") or call["remote"],
            call["state"],
            duration(call["seconds"]),
            _about(call),
        )
        for call in calls
    ]
    return table(("call", "", "with", "state", "since", ""), rows, "no call")


def _about(call: Mapping[str, Any]) -> str:
    """What the caller said besides name and number, and that the call is recorded, where there is anything."""
    ways = [f"by way of {call['diverted_by'][0]}"] if call.get("diverted_by") else []
    ways += ["recorded"] if call.get("recording") else []
    return ", ".join([text for text in (call.get("priority"), call.get("subject")) if text] + ways)


def past_call_lines(calls: Sequence[Mapping[str, Any]]) -> list[str]:
    """The finished calls of the call log, newest first; the number is the one that a report of a call is asked by."""
    rows = [(str(number), *_past_call(call)) for number, call in enumerate(calls, 1)]
    return table(("nr", "when", "", "with", "talked", "MOS", "loss", "result"), rows, "no calls yet")


def _past_call(call: Mapping[str, Any]) -> tuple[str, ...]:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(call["started_at"]))
    talked = duration(call["ended_at"] - call["answered_at"]) if call["answered_at"] else "-"
    name = f"{call['remote_name']} <{call['remote']}>" if call["remote_name"] else call["remote"]
    mos, loss = call.get("mos"), call.get("loss_percent")
    heard = ("-" if mos is None else f"{mos:.1f}", "-" if loss is None else f"{loss:.1f} %")
    return (when, call["direction"], name, talked, *heard, call["cause"])
