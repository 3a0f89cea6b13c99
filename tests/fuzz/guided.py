"""`python -m tests.fuzz.guided TARGET [OPTION ...]`: one target under atheris, as `python -m tests.fuzz` runs it."""

import sys

import atheris

with atheris.instrument_imports(include=["device"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
