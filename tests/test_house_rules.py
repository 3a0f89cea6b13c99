"""The size limits and naming rules of the house that no linter knows."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_FILE_LINES = 650
MAX_FUNCTION_LINES = 60
FORBIDDEN_NAMES = ("Manager", "Helper", "Util", "Handler", "Processor")
ALLOWED_NAMES = {"RecentLines"}


def python_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    return [ROOT / name for name in listed if (ROOT / name).exists()] or sorted(
        [*ROOT.glob("device/**/*.py"), *ROOT.glob("tests/**/*.py")]
    )


FILES = python_files()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_stay_small(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if "device" in path.parts and isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
            assert node.end_lineno - node.lineno + 1 <= MAX_FUNCTION_LINES, f"{node.name} is too long"


@pytest.mark.parametrize("path", [p for p in FILES if "device" in p.parts], ids=lambda p: str(p.relative_to(ROOT)))
def test_classes_are_named_by_nouns_of_the_field(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef) and node.name not in ALLOWED_NAMES:
            assert not node.name.endswith(FORBIDDEN_NAMES)


def test_the_daemon_has_no_coroutines() -> None:
    for path in FILES:
        if "device" in path.relative_to(ROOT).parts:
            assert not any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(ast.parse(path.read_text())))


def test_every_package_of_the_device_says_what_belongs_there() -> None:
    for path in FILES:
        if path.name == "__init__.py" and path.relative_to(ROOT).parts[0] == "device":
            assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"
