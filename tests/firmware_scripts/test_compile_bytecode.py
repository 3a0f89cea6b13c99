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


def test_a_copy_without_sources_runs_and_names_the_place_where_it_runs(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    for folder in (source, copy):
        (folder / "below").mkdir(parents=True)
    (source / "below" / "shipped.py").write_text(SOURCE)
    runs_as = "/usr/lib/python3/site-packages/below"
    command = [sys.executable, SCRIPT, "--sourceless", "--runs-as", Path(runs_as).parent, "--into", copy, source]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=ALONE)
    assert told.stdout == "compiled 1 modules\n"
    assert [path.name for path in copy.rglob("*.py*")] == ["shipped.pyc"]
    first = (copy / "below" / "shipped.pyc").read_bytes()
    questions = "import traceback, shipped\ntry:\n    shipped.fail('x')\nexcept ValueError:\n    traceback.print_exc()"
    paths = {**ALONE, "PYTHONPATH": f"{copy / 'below'}{os.pathsep}{ROOT}"}
    asked = subprocess.run([sys.executable, "-c", questions], capture_output=True, text=True, check=True, env=paths)
    assert f'File "{runs_as}/shipped.py", line ' in asked.stderr
    # Images are the same bytes each time, whenever the source was touched.
    os.utime(source / "below" / "shipped.py", (1, 1))
    subprocess.run(command, capture_output=True, check=True, env=ALONE)
    assert (copy / "below" / "shipped.pyc").read_bytes() == first


def test_a_copy_beside_its_sources_is_not_compiled_again(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    for folder in (source, copy):
        folder.mkdir()
        (folder / "shipped.py").write_text(SOURCE)
    os.utime(copy / "shipped.py", (10**9, 10**9))
    subprocess.run([sys.executable, SCRIPT, "--into", copy, source], check=True, capture_output=True, env=ALONE)
    paths = {**ALONE, "PYTHONPATH": f"{copy}{os.pathsep}{ROOT}"}
    paths.pop("PYTHONPYCACHEPREFIX", None)
    asked = subprocess.run(
        [sys.executable, "-v", "-c", "import shipped"], capture_output=True, text=True, check=True, env=paths
    )
    assert "matches" in next(line for line in asked.stderr.splitlines() if "shipped" in line)


def test_one_copy_is_of_one_folder(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, SCRIPT, "--into", tmp_path, tmp_path, tmp_path], capture_output=True, text=True, check=False
    )
    assert told.returncode == 2
    assert "are for one FOLDER" in told.stderr
