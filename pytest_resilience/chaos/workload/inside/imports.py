"""Write down which modules of the standard library and of site-packages a process has loaded, and which of ours."""

from __future__ import annotations

import json
import os
import sys
import sysconfig

OURS = "pytest_resilience"
"""Stands in site-packages for everybody but its own developers."""


def record(path: str) -> None:
    """Write the names, in the order in which they were loaded."""
    folders = tuple(
        os.path.realpath(sysconfig.get_path(name)) + os.sep
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
    )
    names = [name for name, module in list(sys.modules.items()) if _is_foreign(name, module, folders)]
    with open(path, "w", encoding="utf-8") as stream:  # noqa: PTH123
        json.dump(names, stream)


def _is_foreign(name: str, module: object, folders: tuple[str, ...]) -> bool:
    spec = getattr(module, "__spec__", None)
    origin = getattr(spec, "origin", None)
    if spec is None or spec.name != name or not isinstance(origin, str):
        return False
    return name.partition(".")[0] == OURS or os.path.realpath(origin).startswith(folders)
