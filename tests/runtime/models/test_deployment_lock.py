"""One deployment of a model at a time; a lock that nobody holds any more is taken over, and no other."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from pytest_resilience.clock import SystemClock
from pytest_resilience.runtime.deployment import deploy_model_with_rollback
from pytest_resilience.runtime.models.deployment_lock import DeploymentConflictError, deployment_lock
from pytest_resilience.runtime.models.lock_holder import this_process
from pytest_resilience.runtime.models.registry import ModelRegistry


class LaterClock(SystemClock):
    """A wall clock that goes ahead of the machine's."""

    def __init__(self, ahead):
        self._ahead = ahead

    def time(self):
        """Return the time, later than it is."""
        return super().time() + self._ahead


@pytest.fixture
def registry(tracking):
    """The registry."""
    return ModelRegistry(tracking, base_delay=0.01)


@pytest.fixture
def holder():
    """A holder as another live process would be, on another host."""
    with this_process(60, SystemClock()) as mine:
        return replace(mine, host="another-host")


def test_a_second_one_is_refused(registry, model_name):
    """The message names the process and the host that hold it."""
    with (
        deployment_lock(registry, model_name, lease=60),
        pytest.raises(DeploymentConflictError, match=rf"process {os.getpid()} on {socket.gethostname()}"),
        deployment_lock(registry, model_name, lease=60),
    ):
        pass


def test_other_models_are_not_concerned(registry, model_name):
    """Each model has its own lock."""
    with (
        deployment_lock(registry, model_name, lease=60) as one,
        deployment_lock(registry, model_name + "-other", lease=60) as other,
    ):
        one.check()
        other.check()


def test_it_is_free_after_an_error(registry, model_name):
    """However the block ends, the next one gets the lock."""
    with pytest.raises(ZeroDivisionError), deployment_lock(registry, model_name, lease=60):
        raise ZeroDivisionError

    with deployment_lock(registry, model_name, lease=60):
        pass


def test_a_lease_that_is_over_is_taken(registry, model_name):
    """Who had the lock for too long learns of it before changing anything."""
    with (
        deployment_lock(registry, model_name, lease=60) as first,
        deployment_lock(registry, model_name, lease=60, clock=LaterClock(61)) as second,
    ):
        second.check()

        with pytest.raises(DeploymentConflictError, match="was lost"):
            first.check()


def test_the_late_release_of_a_lost_lock_frees_nothing(registry, model_name):
    """Only its own lock is given back."""
    first = deployment_lock(registry, model_name, lease=60)
    first.__enter__()
    with deployment_lock(registry, model_name, lease=60, clock=LaterClock(61)) as second:
        first.__exit__(None, None, None)

        second.check()


def test_another_host_is_waited_for_until_its_lease_is_over(holder):
    """Nobody can see from here whether its process lives."""
    assert not holder.is_gone(holder.until - 1)
    assert holder.is_gone(holder.until)


def test_a_process_that_got_a_dead_ones_number_is_not_it(holder):
    """A process id is given out again; the time when it started tells the two apart."""
    other = replace(holder, host=socket.gethostname(), process=os.getppid(), started="1")

    assert other.is_gone(0)


def test_a_lock_that_this_process_left_behind_is_gone(holder):
    """A token that this process does not hold now is of an earlier attempt of its own."""
    assert replace(holder, host=socket.gethostname()).is_gone(0)


KILLED_DEPLOYMENT = """
import os, signal, sys
from pytest_resilience import deploy_model_with_rollback
from pytest_resilience.runtime.models.registry import ModelRegistry

class Registry(ModelRegistry):
    def set_alias(self, *arguments):
        super().set_alias(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

deploy_model_with_rollback(sys.argv[2], sys.argv[3], registry=Registry(sys.argv[1]))
"""


def test_a_killed_process_keeps_nobody_waiting(register_quickly, model_name, tracking, client, tmp_path):
    """After SIGKILL in the middle of a change the next deployment takes over at once, and ends it."""
    old, new = register_quickly(), register_quickly()
    deploy_model_with_rollback(model_name, old)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_DEPLOYMENT, tracking, model_name, new],
        env=os.environ | {"TMPDIR": str(tmp_path)},  # a killed process does not tidy up
        timeout=120,
        check=False,
    )
    between = str(client.get_registered_model(model_name).aliases["champion"])

    result = deploy_model_with_rollback(model_name, new)

    assert killed.returncode == -9
    assert between in {old, new}
    assert (result["status"], result["previous_version"]) == ("success", old)
