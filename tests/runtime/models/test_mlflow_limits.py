"""MLflow's own time-outs and retries are ours while our calls run, and nobody's business afterwards."""

from __future__ import annotations

import os
import threading

import pytest

from pytest_resilience.runtime.models.mlflow_limits import RETRIES, TIMEOUT, mlflow_limits


@pytest.fixture(autouse=True)
def _as_a_user_set_it(monkeypatch):
    """Start from an environment in which the user has set one of the two."""
    monkeypatch.setenv(TIMEOUT, "77")
    monkeypatch.delenv(RETRIES, raising=False)


def limits():
    """Return what MLflow reads now."""
    return os.environ.get(TIMEOUT), os.environ.get(RETRIES)


def test_limits_hold_inside_and_are_restored_after():
    """What was set is set again, and what was not set is not."""
    with mlflow_limits(timeout=3):
        inside = limits()

    assert inside == ("3", "0")
    assert limits() == ("77", None)


def test_limits_are_restored_after_an_error():
    """An error in the block restores them as well."""
    with pytest.raises(ZeroDivisionError), mlflow_limits(timeout=3):
        raise ZeroDivisionError

    assert limits() == ("77", None)


@pytest.mark.parametrize(("asked", "given"), [(0.2, "1"), (1.9, "1"), (2, "2")])
def test_mlflow_gets_whole_seconds(asked, given):
    """MLflow refuses fractions, so they are rounded down, but not to nothing."""
    with mlflow_limits(timeout=asked):
        assert os.environ[TIMEOUT] == given


def test_the_tightest_of_several_wins():
    """Blocks nest and overlap: the tightest limits hold, and each end loosens them."""
    with mlflow_limits(timeout=9, retries=2):
        with mlflow_limits(timeout=4, retries=3):
            both = limits()
        one = limits()

    assert both == ("4", "2")
    assert one == ("9", "2")


def test_overlapping_threads_restore_the_outside():
    """A block that began first and ends first takes nothing from the other, and the last one restores."""
    began, may_end = threading.Event(), threading.Event()

    def first():
        with mlflow_limits(timeout=5):
            began.set()
            may_end.wait(30)

    thread = threading.Thread(target=first)
    thread.start()
    began.wait(30)
    with mlflow_limits(timeout=8):
        may_end.set()
        thread.join(30)
        alone = limits()

    assert alone == ("8", "0")
    assert limits() == ("77", None)


@pytest.mark.parametrize("wrong", [{"timeout": 0}, {"timeout": -1}, {"timeout": 1, "retries": -1}])
def test_nonsense_is_refused(wrong):
    """Limits that mean nothing are refused, and change nothing."""
    with pytest.raises(ValueError, match="must be"), mlflow_limits(**wrong):
        pass

    assert limits() == ("77", None)
