"""docs/interop.md names every file of the interop suite, and no file that is not there."""

import re

from tests.docs.test_conformance import ROOT

PAGE = (ROOT / "docs/interop.md").read_text()
SUITE = {f"tests/interop/{path.name}" for path in (ROOT / "tests/interop").glob("test_*.py")}


def test_every_file_of_the_suite_is_described() -> None:
    assert set(re.findall(r"`(tests/interop/test_[a-z_]+\.py)`", PAGE)) == SUITE


def test_the_other_files_exist() -> None:
    for name in re.findall(r"`((?:tests|firmware_scripts)/[^`]+)`", PAGE):
        assert (ROOT / name).exists(), name
