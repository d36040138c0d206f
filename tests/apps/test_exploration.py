"""What exploring finds in the sample applications: each planted bug by its faults, and nothing in the sound twins."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.reading import read_configuration
from pytest_resilience.chaos.explore.choice import all_probes
from pytest_resilience.chaos.explore.exploration import explore
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.services.run_folder import RunFolder

sys.path.insert(0, str(Path(__file__).parent))

from catalogue import APPS, FRAGILE

PLANTED = [app for app in FRAGILE if app.broken_by]
TWINS = {
    "kept_session": APPS["lost_session"].broken_by,
    "two_faults_sound": APPS["two_faults"].broken_by,
    "admissions": APPS["commit_resent"].broken_by,
    "dispatch": APPS["row_by_row"].broken_by,
    "vitals": ("COMMIT-2-reply-lost-reply",),
    "census": APPS["autocommit"].broken_by,
}
"""By sound application, the faults that break one which is almost the same."""
Explore = Callable[..., tuple[str, ...]]


@pytest.fixture
def found(assembled, pool) -> Iterator[Explore]:
    """Run an application under the faults of these ids, and say what it did wrong."""
    folder = RunFolder.make()

    def run(name: str, faults: tuple[str, ...]) -> tuple[str, ...]:
        laboratory = Laboratory(read_configuration(assembled(name)), pool, folder, seed=1)
        (workload,) = APPS[name].workloads
        probes = {probe.id: probe for probe in all_probes(laboratory.clean(workload).recording.points)}
        done = explore(laboratory, workload, [probes[fault].order for fault in faults], title=name)
        assert not done.unproven
        return tuple(str(wrong) for wrong in done.wrongs)

    yield run
    folder.end()


@pytest.mark.parametrize("app", PLANTED, ids=lambda app: app.name)
def test_planted_bug_is_found(app, found):
    """The faults that show the mistake are enough for the exploration to say that something is wrong."""
    assert found(app.name, app.broken_by) != ()


@pytest.mark.parametrize("fault", APPS["two_faults"].broken_by[:1])
def test_one_of_two_faults_finds_nothing(fault, found):
    """The bug that takes two faults survives the first of them alone."""
    assert found("two_faults", (fault,)) == ()


@pytest.mark.parametrize("name", TWINS)
def test_sound_twin_survives(name, found):
    """What breaks the fragile one leaves its sound twin with the same rows, each once."""
    assert found(name, TWINS[name]) == ()
