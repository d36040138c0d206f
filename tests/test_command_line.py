"""The command line as a whole: what it says of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_resilience import __version__
from pytest_resilience.__main__ import COMMANDS, main


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what is printed where it ends at once."""
    with pytest.raises(SystemExit, match="0"):
        main(arguments)
    return capsys.readouterr().out


def test_help_begins_with_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    """And has an example that can be copied; how the table is built is nobody's question."""
    text = shown(capsys, "--help")

    assert text.split("\n\n")[1].startswith("Says whether a deploy may rely on code")
    assert 'verify resilience-report --commit "$(git rev-parse HEAD)"' in text
    assert [command.name for command in COMMANDS if f"    {command.name} " not in text] == []


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """For reports of bugs."""
    assert shown(capsys, "--version") == f"pytest-resilience {__version__}\n"


def test_the_proxy_is_run_as_toxiproxy_is(capsys: pytest.CaptureFixture[str]) -> None:
    """With its flags, and its exit status where it cannot listen (an address of documents, RFC 5737)."""
    command = [sys.executable, "-m", "pytest_resilience", "proxy", "-host", "192.0.2.1", "-port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert "-proxy-metrics" in shown(capsys, "proxy", "--help")
    assert (done.returncode, "192.0.2.1" in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize("command", ["deploy", "rollback"])
def test_schemes_are_explained(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """Three words alone tell nobody which to take."""
    text = " ".join(shown(capsys, command, "--help").split())

    assert "how the registry says who is in charge: aliases (champion), stages (Production)" in text
