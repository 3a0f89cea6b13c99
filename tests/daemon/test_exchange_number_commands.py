from collections.abc import Iterator
from pathlib import Path

import pytest

from device.daemon.exchange_commands import Desk, run_command
from device.daemon.exchange_outside import load_outside
from device.daemon.options import UsageError
from device.store.database import open_database
from device.store.subscribers import Subscribers
from device.store.trunks import Permissions


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_database(str(tmp_path / "x.db")) as database:
        Subscribers(database).put("1001", "pbx.lan", {"MD5": "11" * 16})
        yield Desk(database, "pbx.lan", 1.0)


def typed(desk: Desk, line: str) -> str:
    return run_command(desk, tuple(line.split()))


def test_numbering_is_shown_and_changed(desk: Desk) -> None:
    assert "emergency             112, 911, 999    numbers that every telephone" in typed(desk, "numbering")
    assert typed(desk, "numbering area_code=30") == "area_code             30\n"
    typed(desk, "numbering country_code=49 emergency=110,112")
    numbers = load_outside(desk.database).numbers
    assert (numbers.country_code, numbers.emergency) == ("49", "110,112")
    with pytest.raises(UsageError, match=r"nothing was changed: numbers\.country_code"):
        typed(desk, "numbering country_code=x")
    assert load_outside(desk.database).numbers == numbers


def test_classes_and_where_a_number_goes(desk: Desk) -> None:
    typed(desk, "numbering country_code=49")
    typed(desk, "trunk add one 1@x.example")
    typed(desk, "trunk add two 1@x.example")
    typed(desk, "route add 0 two")
    typed(desk, "route add 0 one position=1")
    typed(desk, "number add 0151 mobile")
    assert typed(desk, "number list") == "0151  mobile\n"
    assert typed(desk, "number show +49151-23") == (
        "class     mobile\nas E.164  +4915123\nmay call  nobody\ngoes out  by two, then one\n"
    )
    typed(desk, "numbering enum=e164.arpa")
    typed(desk, "permission set 1001 mobile")
    said = typed(desk, "number show 015123")
    assert "may call  1001\n" in said
    assert "in DNS    asked for first: 3.2.1.5.1.9.4.e164.arpa\n" in said
    assert "everybody may" in typed(desk, "number show 112")
    assert "by no trunk" in typed(desk, "number show 7")
    typed(desk, "number remove 0151")
    assert "no number has a class" in typed(desk, "number list")
    for line in ("number add x! mobile", "number add 0 Mobile", "number show bob"):
        with pytest.raises(UsageError):
            typed(desk, line)


def test_permissions(desk: Desk) -> None:
    assert typed(desk, "permission list") == "1001@pbx.lan  local, national (as everybody)\n"
    assert typed(desk, "permission set 1001 national,premium") == "1001 may call national, premium\n"
    assert typed(desk, "permission list") == "1001@pbx.lan  national, premium\n"
    assert typed(desk, "permission set 1001 none") == "1001 may call nobody outside\n"
    assert Permissions(desk.database).of("1001", "pbx.lan") == frozenset()
    typed(desk, "permission default 1001")
    assert "as everybody" in typed(desk, "permission list")
    for line in ("permission set 1009 local", "permission set 1001 Local", "permission set 1001 ,"):
        with pytest.raises(UsageError):
            typed(desk, line)
