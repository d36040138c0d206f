"""Let the tests of the judges import what lies beside them: this folder is no package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def _beside(name: str) -> None:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise ImportError(name)
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


_beside("seen_runs")
_beside("drawn_waits")
