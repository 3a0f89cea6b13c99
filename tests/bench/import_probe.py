"""Runs the daemon and writes down what each module cost while it was imported. A program by itself: see imports.py.

    python import_probe.py FILE memory|time ARGUMENT...

FILE gets a JSON list of [module, KiB allocated, KiB resident, ms], each without the modules that it imported in turn.
"""

import _tracemalloc  # tracemalloc itself would import half of what is to be measured
import sys
import time
from importlib.machinery import ModuleSpec, PathFinder

costs: list[tuple[str, float, float, float]] = []
nested: list[list[float]] = [[0.0, 0.0, 0.0]]
statm = open("/proc/self/statm", "rb", buffering=0)  # noqa: SIM115  # kept open, so that reading it costs nothing
PAGE_KIB = 4
TRACES_MEMORY = sys.argv[2:3] == ["memory"]


def state() -> list[float]:
    statm.seek(0)
    traced = _tracemalloc.get_traced_memory()[0] / 1024 if TRACES_MEMORY else 0.0
    return [traced, int(statm.read().split()[1]) * PAGE_KIB, time.perf_counter() * 1000]


class MeasuredLoader:
    """Passes everything on to the loader that the module would have had."""

    def __init__(self, loader):  # type: ignore[no-untyped-def]
        self._loader = loader

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec):  # type: ignore[no-untyped-def]
        return self._loader.create_module(spec)

    def exec_module(self, module) -> None:  # type: ignore[no-untyped-def]
        module.__spec__.loader = module.__loader__ = self._loader
        nested.append([0.0, 0.0, 0.0])
        before = state()
        try:
            self._loader.exec_module(module)
        finally:
            whole = [after - earlier for after, earlier in zip(state(), before, strict=True)]
            children = nested.pop()
            own = [total - part for total, part in zip(whole, children, strict=True)]
            costs.append((module.__name__, own[0], own[1], own[2]))
            nested[-1] = [total + part for total, part in zip(nested[-1], whole, strict=True)]


class MeasuringFinder:
    """Stands before the finder of files."""

    @staticmethod
    def find_spec(name, path=None, target=None):  # type: ignore[no-untyped-def]
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = MeasuredLoader(spec.loader)
        return spec


def main() -> int:
    path, _, *arguments = sys.argv[1:]
    if TRACES_MEMORY:
        _tracemalloc.start(1)
    sys.meta_path.insert(0, MeasuringFinder)  # type: ignore[arg-type]
    from device.cli import main as run  # noqa: PLC0415

    status = run(arguments)
    import json  # noqa: PLC0415

    with open(path, "w") as file:
        json.dump(costs, file)
    return status


if __name__ == "__main__":
    sys.exit(main())
