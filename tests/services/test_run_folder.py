"""The run folder is private, shared by the processes of a run, and gives each service one start."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.run_folder import RunFolder


def test_once_starts_one_service_for_all(tmp_path: Path) -> None:
    """Many who ask for a service at the same time get the facts of one start."""
    run = RunFolder.make(tmp_path)
    barrier = Barrier(8)
    starts = []

    def make() -> dict[str, int]:
        starts.append(1)
        return {"port": 1234}

    def ask(_: int) -> dict[str, int]:
        barrier.wait()
        return run.once("postgres", make)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))

    assert (len(starts), answers) == (1, [{"port": 1234}] * 8)


def test_once_tries_again_after_a_failure(tmp_path: Path) -> None:
    """A start that failed leaves no facts behind."""
    run = RunFolder.make(tmp_path)

    def fail() -> dict[str, int]:
        raise HarnessError("no")

    with pytest.raises(HarnessError):
        run.once("postgres", fail)

    assert run.once("postgres", lambda: {"port": 1}) == {"port": 1}


def test_facts_are_private(tmp_path: Path) -> None:
    """The facts hold the password of the run, and nobody else can read them."""
    run = RunFolder.make(tmp_path)
    run.once("postgres", lambda: {"password": "x"})
    facts = run.path / "postgres.json"

    assert (facts.stat().st_mode & 0o777, json.loads(facts.read_text())) == (0o600, {"password": "x"})


def test_folder_lets_nobody_look(tmp_path: Path) -> None:
    """Others cannot list the run folder; as root a system user may pass through it, knowing the name."""
    run = RunFolder.make(tmp_path)

    assert run.path.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """The message names the place and what to do."""
    occupied = tmp_path / "file"
    occupied.touch()

    with pytest.raises(HarnessError, match=r"cannot make a folder .* below .*file: .*; .*TMPDIR"):
        RunFolder.make(occupied)


def test_long_parent_leaves_room_for_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Unix socket below the folder must fit into its 107 bytes, so a long TMPDIR is not used."""
    deep = tmp_path / ("d" * 80)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    run = RunFolder.make()
    try:
        assert len(str(run.path / "postgres" / "sockets" / ".s.PGSQL.5432")) < 107
    finally:
        run.end()
