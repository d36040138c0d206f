"""The page on static checks: its library is added without code, and its calls are judged."""

from __future__ import annotations

import importlib.util
from pathlib import Path

HERE = Path(__file__).parent


def test_the_example_reads_the_code_with_its_catalogue(tmp_path):
    """A handler of a subclass is not enough, a retry is no guard, and hiding an error is said."""
    spec = importlib.util.spec_from_file_location("read_code", HERE / "read_code.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    found = module.read(tmp_path, HERE / "labkit.toml")

    assert [one.partition(": ")[0] for one in found] == [
        "clinic.py:4 failed",
        "clinic.py:10 failed",
        "clinic.py:11 failed",
    ]
    assert all("labkit.LabError" in one for one in found[:2])
