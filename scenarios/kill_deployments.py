"""Kill a deployment after its first write, run it again, kill that after its second, until one ends: URI MODEL VERSION.

A process for each, forked from one that has read MLflow already; then a line says which it was, and who is in charge.
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


def main(tracking_uri: str, model_name: str, version: str) -> int:
    """Return the exit status: 0 when the version is in charge in the end."""
    registry = MortalRegistry(tracking_uri, base_delay=0.01)
    registry.load(model_name, version)  # whatever libraries that takes, all processes have it
    for step in count(1):
        ended = _forked(registry, model_name, version, step)
        champion = registry.champion(model_name)
        sys.stdout.write(f"{step} {champion}\n")
        if ended != KILLED:
            return ended
    return 1


def _forked(registry: MortalRegistry, model_name: str, version: str, writes: int) -> int:
    """Deploy in a process that is killed after so many writes, if it makes as many; return how it ended."""
    child = os.fork()
    if child == 0:
        os._exit(_deployed(registry, model_name, version, writes))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _deployed(registry: MortalRegistry, model_name: str, version: str, writes: int) -> int:
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
