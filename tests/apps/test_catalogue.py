"""The catalogue of sample applications says what is there, and each application works while nothing is broken."""

from __future__ import annotations

import compileall
import sys
from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.services.run_folder import RunFolder

sys.path.insert(0, str(Path(__file__).parent))

from catalogue import APPS, FOLDER, FRAGILE, ITEM_IDS, SOUND, of_item

EVERY = pytest.mark.parametrize("name", APPS)
LONGEST = 150
"""Lines of a file that is still read at one go."""


def test_folders_and_catalogue_agree():
    """Every application has a folder, and every folder is an application's."""
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and path.name[0] not in "._"}

    assert set(APPS) == folders


def test_each_item_is_failed_by_at_least_two():
    """One mistake alone would not show that an item is judged rather than one way of getting it wrong."""
    short = [item.id for item in ITEMS if len(list(of_item(item.id))) < 2]

    assert short == []


def test_sound_ones_are_judged_on_all_items():
    """A sound application says of each item whether it passes or does not apply."""
    assert tuple(item.id for item in ITEMS) == ITEM_IDS
    assert all(set(ITEM_IDS) == set(app.expected) for app in SOUND)
    assert len({app.uses for app in SOUND}) >= 4


@EVERY
def test_configuration_is_accepted(name, assembled):
    """Nothing is complained of, and the declared workloads are those of the catalogue."""
    configuration = read_configuration(assembled(name))

    assert APPS[name].workloads == tuple(configuration.workloads)


@EVERY
def test_code_is_python_and_short(name, assembled):
    """Each file compiles and can be read at one go."""
    folder = assembled(name)
    long = [path.name for path in folder.rglob("*.py") if len(path.read_text().splitlines()) > LONGEST]

    assert compileall.compile_dir(folder, quiet=1, legacy=True)
    assert long == []


@pytest.mark.parametrize("app", FRAGILE, ids=lambda app: app.name)
def test_fragile_ones_differ_from_their_base(app):
    """Every file of a fragile application differs from the sound one's, or is not there."""
    own = [path for path in (FOLDER / app.name).rglob("*") if path.is_file() and path.suffix not in {".pyc"}]
    base = FOLDER / str(app.base)
    same = [
        path.name
        for path in own
        if (twin := base / path.relative_to(FOLDER / app.name)).exists()
        and twin.read_bytes() == path.read_bytes()
    ]

    assert own or app.without
    assert same == []


@EVERY
def test_clean_run_works(name, assembled, pool):
    """With nothing broken it does its work, and leaves nothing behind."""
    configuration = read_configuration(assembled(name))
    folder = RunFolder.make()
    try:
        laboratory = Laboratory(configuration, pool, folder, seed=1)
        runs = [laboratory.clean(workload) for workload in configuration.workloads]
    finally:
        folder.end()

    assert [run.why_not for run in runs] == [None]
    assert [run.record.leaks for run in runs] == [()]
    assert all(run.recording.points for run in runs)
