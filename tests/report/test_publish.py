"""Files of a report: private, whole, and none left from a run before."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.report.folder import try_to_write, write_files
from pytest_resilience.report.json_form import read_report
from pytest_resilience.report.publish import NotWrittenError, publish


def mode(path):
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_all_files_are_written_for_their_owner(tmp_path, green):
    """The folder is 0700, each file 0600, whatever the umask."""
    before = os.umask(0)
    try:
        publish(green, tmp_path / "a" / "report", environment={})
    finally:
        os.umask(before)
    folder = tmp_path / "a" / "report"

    assert {path.name: mode(path) for path in folder.iterdir()} == dict.fromkeys(
        ("report.json", "index.html", "report.sarif", "attestation.json"), 0o600
    )
    assert mode(folder) == 0o700


def test_what_is_read_is_what_was_written(tmp_path, green):
    """The folder names its report."""
    assert (
        read_report(tmp_path / "none" if publish(green, tmp_path, environment={}) is None else tmp_path)
        == green
    )


def test_an_old_attestation_does_not_survive(tmp_path, green):
    """A dirty tree attests nothing, not even the run before it."""
    publish(green, tmp_path, environment={})
    publish(replace(green, dirty=True), tmp_path, environment={})

    assert not (tmp_path / "attestation.json").exists()


def test_a_link_at_a_files_place_is_replaced(tmp_path, green):
    """Not followed: what it points at stays."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "report.json").symlink_to(victim)
    publish(green, folder, environment={})

    assert victim.read_text() == "mine"
    assert not (folder / "report.json").is_symlink()


def test_a_file_at_the_folders_place_is_told(tmp_path, green):
    """With what to do."""
    (tmp_path / "report").write_text("")

    with pytest.raises(HarnessError, match=r"cannot be written .*name another folder"):
        publish(green, tmp_path / "report", environment={})


def test_a_verdict_outlives_its_report(tmp_path, green):
    """Who cannot write a report has it all the same, without secrets."""
    (tmp_path / "report").write_text("")

    with pytest.raises(NotWrittenError) as caught:
        publish(replace(green, notes=("s3cret",)), tmp_path / "report", secrets=["s3cret"], environment={})

    assert caught.value.report == replace(green, notes=("[redacted]",))


def test_what_was_found_goes_with_it(tmp_path, green):
    """As private as the rest, and without secrets."""
    publish(green, tmp_path, secrets=["s3cret"], environment={}, found={"a.yaml": "on: s3cret"})

    assert (tmp_path / "found" / "a.yaml").read_text() == "on: [redacted]"
    assert (mode(tmp_path / "found"), mode(tmp_path / "found" / "a.yaml")) == (0o700, 0o600)


@pytest.mark.parametrize("folder", ["report", "report/below", "loop"])
def test_what_cannot_be_written_is_known_beforehand(tmp_path, folder):
    """As it is when it is written."""
    (tmp_path / "report").write_text("")
    (tmp_path / "loop").symlink_to("nowhere")
    for write in (try_to_write, lambda place: write_files(place, {"a.txt": "a"})):
        with pytest.raises(HarnessError, match=r"cannot be written .*name another folder"):
            write(tmp_path / folder)


def test_trying_leaves_nothing(tmp_path):
    """Neither the folder nor a file in it."""
    (tmp_path / "there").mkdir()
    for folder in ("there", "a/b/c"):
        try_to_write(tmp_path / folder)

    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]


def test_nothing_half_written_is_left(tmp_path):
    """A write that fails leaves the old file, and no other."""
    write_files(tmp_path, {"a.txt": "old"})
    with pytest.raises(TypeError):
        write_files(tmp_path, {"a.txt": 7})

    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_text_that_is_no_text_is_written(tmp_path):
    """A lone surrogate from a file name does not lose the report."""
    write_files(tmp_path, {"a.txt": "name \udcff"})

    assert "\\udcff" in (tmp_path / "a.txt").read_text()


def test_the_run_can_be_found(tmp_path, green):
    """On GitHub the statement has the run's address."""
    environment = {
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_RUN_ID": "7",
    }
    publish(green, tmp_path, environment=environment)
    statement = json.loads((tmp_path / "attestation.json").read_text())

    assert statement["predicate"]["url"] == "https://github.com/a/b/actions/runs/7"
