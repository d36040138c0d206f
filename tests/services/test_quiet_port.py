"""Ports for listeners that must get the same one again are out of the way of outgoing connections."""

from __future__ import annotations

import itertools
import socket
from pathlib import Path

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.services import quiet_port
from pytest_resilience.services.quiet_port import quiet_ports


def _range(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str | None) -> None:
    """Let the kernel's range be what the text says."""
    file = folder / "range"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(quiet_port, "_RANGE", file)


@pytest.mark.parametrize(("text", "first"), [("20000\t60999\n", 20000), (None, 49152), ("1024 65000", 49152)])
def test_below_the_dynamic_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, first: int
) -> None:
    """They are below the range that the kernel picks from, as far as it leaves room there."""
    _range(monkeypatch, tmp_path, text)
    found = list(itertools.islice(quiet_ports(), 20))

    assert all(10_000 <= port < first for port in found)


def test_taken_ones_are_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where somebody listens is no free port, and where nothing is free the error says so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(quiet_port, "LOWEST", port)
        _range(monkeypatch, tmp_path, f"{port + 1} 60999")

        with pytest.raises(HarnessError, match=f"no free loopback port from {port} to {port} in 50 tries"):
            next(quiet_ports())
    assert next(quiet_ports()) == port
