"""The byte code that is shipped does what the source says, and carries nothing that only people and checkers read."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "firmware_scripts" / "compile-bytecode"
ALONE = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}

SOURCE = '''"""What this module is for."""

from device.annotations import Final, NamedTuple
from device.records import dataclass

LIMIT: Final = 3
declared: int


class Place(NamedTuple):
    """A place."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Noted:
    """A record."""

    name: str
    count: int = LIMIT

    def twice(self, more: int | None = None, *rest: str, key: bool = True) -> int:
        """Twice."""
        total: int = 2 * self.count
        late: str
        return total


def fail(text: str) -> None:
    """Fail."""
    raise ValueError(text)
'''

QUESTIONS = """
import json, sys, traceback
sys.dont_write_bytecode = True
import shipped
try:
    shipped.fail("x")
except ValueError:
    line = traceback.extract_tb(sys.exc_info()[2])[-1].lineno
print(json.dumps({
    "from": shipped.__cached__, "doc": shipped.__doc__, "limit": shipped.LIMIT,
    "module": "__annotations__" in vars(shipped), "record": repr(shipped.Noted("a", count=1)),
    "fields": sorted(shipped.Noted.__annotations__), "twice": shipped.Noted("a").twice(),
    "function": [shipped.fail.__annotations__, shipped.Noted.twice.__annotations__],
    "place": list(shipped.Place("h", 5060)), "line": line,
}))
"""


def test_what_is_shipped_behaves_like_its_source(tmp_path: Path) -> None:
    (tmp_path / "shipped.py").write_text(SOURCE)
    told = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=True, env=ALONE)
    assert told.stdout == "compiled 1 modules\n"
    paths = {**ALONE, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    paths.pop("PYTHONPYCACHEPREFIX", None)
    asked = subprocess.run([sys.executable, "-c", QUESTIONS], capture_output=True, text=True, check=False, env=paths)
    assert asked.stderr == ""
    answers = json.loads(asked.stdout)
    assert Path(answers.pop("from")).exists()
    assert answers == {
        "doc": None,
        "limit": 3,
        "module": False,
        "record": "Noted(name='a', count=1)",
        "fields": ["count", "name"],
        "twice": 6,
        "function": [{}, {}],
        "place": ["h", 5060],
        "line": SOURCE[: SOURCE.index("raise")].count("\n") + 1,
    }


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    told = subprocess.run([sys.executable, SCRIPT, tmp_path / "none"], capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "is no folder" in told.stderr
