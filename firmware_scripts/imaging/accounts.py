"""Users and groups of a root file system from a sysusers.d file, as systemd-sysusers makes them; text in, text out."""

from __future__ import annotations

from collections.abc import Iterator

from firmware_scripts.imaging.root_tree import RootTree

FIRST_ID, LAST_ID = 900, 999
"""System accounts that were born without a number get one from here, downwards."""


def apply_sysusers(tree: RootTree, text: str) -> None:
    """Add what a sysusers.d file asks for (its lines g, u and m); what is there already stays as it is."""
    passwd, group = _rows(tree, "etc/passwd"), _rows(tree, "etc/group")
    shadow, gshadow = _rows(tree, "etc/shadow"), _rows(tree, "etc/gshadow")
    for kind, name, rest in _statements(text):
        if kind in ("g", "u") and name not in group:
            group[name] = [name, "x", str(_free(passwd, group)), ""]
            gshadow[name] = [name, "!*", "", ""]
        if kind == "u" and name not in passwd:
            words = rest.split('"')
            title, home = (words[1], words[2].strip()) if len(words) >= 3 else ("", "")
            passwd[name] = [name, "x", group[name][2], group[name][2], title, home or "/", "/usr/sbin/nologin"]
            shadow[name] = [name, "!*", "1", "", "", "", "", "1", ""]
        if kind == "m":
            for table in (group, gshadow):
                members = [member for member in table[rest][3].split(",") if member]
                table[rest][3] = ",".join([*members, name] if name not in members else members)
    for path, rows, mode in (
        ("etc/passwd", passwd, 0o644),
        ("etc/group", group, 0o644),
        ("etc/shadow", shadow, 0o640),
        ("etc/gshadow", gshadow, 0o640),
    ):
        owner = (0, int(group["shadow"][2])) if mode == 0o640 else (0, 0)
        tree.add_file(path, "".join(":".join(row) + "\n" for row in rows.values()), mode, owner)


def _statements(text: str) -> Iterator[tuple[str, str, str]]:
    for line in text.splitlines():
        words = line.split(None, 2)
        if len(words) == 3 and words[0] in ("g", "u", "m"):
            yield words[0], words[1], words[2].strip()


def _rows(tree: RootTree, path: str) -> dict[str, list[str]]:
    return {line.split(":")[0]: line.split(":") for line in tree.read(path).decode().splitlines() if line}


def _free(passwd: dict[str, list[str]], group: dict[str, list[str]]) -> int:
    taken = {int(row[2]) for row in (*passwd.values(), *group.values())}
    return next(number for number in range(LAST_ID, FIRST_ID, -1) if number not in taken)
