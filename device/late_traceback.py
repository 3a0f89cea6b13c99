"""The module `traceback`, imported when something has gone wrong and not before (docs/decisions/0011).

`logging` imports it at once and needs it only for the text of an exception.
"""

import sys
from types import ModuleType


class _LateTraceback(ModuleType):
    """Stands in `sys.modules` for the real module until somebody asks for a name of it."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get("traceback") is self:
            del sys.modules["traceback"]
        import traceback  # noqa: PLC0415  # the real one now

        return getattr(traceback, name)


def install() -> None:
    """Put the stand-in into place, unless the real module is there already. To be called before `logging` comes."""
    sys.modules.setdefault("traceback", _LateTraceback("traceback"))
