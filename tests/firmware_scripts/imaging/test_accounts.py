"""Users and groups as systemd-sysusers makes them."""

from pathlib import Path

import pytest

from firmware_scripts.imaging.accounts import apply_sysusers
from firmware_scripts.imaging.root_tree import RootTree

SYSUSERS = (Path(__file__).parents[3] / "systemd/offhook.sysusers").read_text()


@pytest.fixture
def tree() -> RootTree:
    made = RootTree()
    made.add_file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\nsystemd-network:x:998:998::/:/usr/sbin/nologin\n")
    made.add_file("etc/group", "root:x:0:\naudio:x:29:\nshadow:x:42:\nsystemd-network:x:998:\n")
    made.add_file("etc/shadow", "root:*:1:0:99999:7:::\n")
    made.add_file("etc/gshadow", "root:*::\naudio:*::\nshadow:*::\n")
    apply_sysusers(made, SYSUSERS)
    return made


def rows(tree: RootTree, path: str) -> dict[str, list[str]]:
    return {line.split(":")[0]: line.split(":") for line in tree.read(path).decode().splitlines()}


def test_the_phone_gets_a_user_that_nobody_logs_in_as(tree: RootTree) -> None:
    user = rows(tree, "etc/passwd")["offhook"]
    assert user[4:] == ["offhook telephone", "/var/lib/offhook", "/usr/sbin/nologin"]
    assert rows(tree, "etc/shadow")["offhook"][1] == "!*"
    assert user[2] == user[3] == rows(tree, "etc/group")["offhook"][2]


def test_it_belongs_to_the_groups_of_its_devices(tree: RootTree) -> None:
    groups = rows(tree, "etc/group")
    assert all(groups[name][3] == "offhook" for name in ("audio", "gpio", "dialout"))
    assert groups["audio"][2] == "29"


def test_no_number_is_given_twice(tree: RootTree) -> None:
    numbers = [row[2] for row in rows(tree, "etc/group").values()]
    assert len(numbers) == len(set(numbers))


def test_doing_it_again_changes_nothing(tree: RootTree) -> None:
    before = [tree.read(f"etc/{name}") for name in ("passwd", "group", "shadow", "gshadow")]
    apply_sysusers(tree, SYSUSERS)
    assert [tree.read(f"etc/{name}") for name in ("passwd", "group", "shadow", "gshadow")] == before
