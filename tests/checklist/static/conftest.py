"""What the tests of the static checks share: code under test, written to a folder and read."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

from pytest_resilience.checklist.static import EntryPoint, StaticReport, analyse


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., StaticReport]:
    """Write files and read them: the positional one is `app.py`, `a__b=` is `a/b.py`."""

    def read(app: str = "", *, entry_points: tuple[EntryPoint, ...] = (), **files: str) -> StaticReport:
        for name, text in {"app": app, **files}.items():
            target = tmp_path / (name.replace("__", "/") + ".py")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(dedent(text), encoding="utf-8")
        return analyse(tmp_path, (), entry_points)

    return read


@pytest.fixture(scope="session")
def labels() -> ModuleType:
    """The module that knows the labelled set."""
    spec = importlib.util.spec_from_file_location("static_labels", Path(__file__).with_name("labels.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["static_labels"] = module
    spec.loader.exec_module(module)
    return module
