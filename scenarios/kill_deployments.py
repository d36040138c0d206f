"""Kill a deployment after each of its writes in turn, run it again, and print how often that was: URI MODEL.

A process for each, forked from one that has read MLflow already; each ends by SIGKILL of its own, or with a status.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

from pytest_resilience import ResilienceError, deploy_model_with_rollback
from pytest_resilience.runtime.models.registry import ModelRegistry

WRITES = ("Locking", "Noting", "Setting", "Unlocking")
BUSY = 30.0
KILLED = -signal.SIGKILL


class MortalRegistry(ModelRegistry):
    """A registry whose process is killed when its n-th write has taken effect."""

    left = 0

    def request(self, what: str, func: Callable[[Any], Any]) -> Any:
        """Call MLflow, perhaps for the last time."""
        result = super().request(what, func)
        if what.startswith(WRITES):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return result


def main(tracking_uri: str, model_name: str) -> int:
    """Return the exit status: 0 when each re-run put its version in charge."""
    registry = MortalRegistry(tracking_uri, base_delay=0.01)
    for step in count(1):
        version = 1 + step % 2
        ended = _forked(registry, model_name, version, step)
        if ended != KILLED:
            sys.stdout.write(f"{step - 1}\n")
            return ended
        if (again := _forked(registry, model_name, version, 0)) != 0:
            sys.stderr.write(f"killed after write {step}, the same again ended with {again}\n")
            return 1
    return 1


def _forked(registry: MortalRegistry, model_name: str, version: int, writes: int) -> int:
    """Deploy in a process that is killed after so many writes, if it makes as many; return how it ended."""
    child = os.fork()
    if child == 0:
        os._exit(_deployed(registry, model_name, version, writes))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _deployed(registry: MortalRegistry, model_name: str, version: int, writes: int) -> int:
    registry.left = writes
    try:
        result = deploy_model_with_rollback(model_name, version, registry=registry, latency_limit=BUSY)
    except ResilienceError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stderr.write(f"{result['error'] or ''}\n")
    return 0 if result["status"] == "success" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
