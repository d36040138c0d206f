"""The names of what a run keeps on servers that others use too: nobody else chooses them, and they tell their age."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from pytest_resilience.clock import SYSTEM_CLOCK
from pytest_resilience.services.run_folder import RunFolder

OLD = 24 * 3600.0
"""Seconds after which what a run has left behind belongs to no run any more."""
_OURS = re.compile(r"resilience[_-]([0-9a-f]{8})[_-][0-9a-f]{4}[_-]")


@dataclass(frozen=True, slots=True)
class OwnNames:
    """What begins the names of one run.

    Args:
        began: when the run began, seconds since the epoch, as eight hexadecimal digits.
        end: four more that tell runs apart.
    """

    began: str
    end: str

    @property
    def database(self) -> str:
        """Begins names of databases; 25 characters."""
        return f"resilience_{self.began}_{self.end}_"

    @property
    def registry(self) -> str:
        """Begins names of experiments and models."""
        return f"resilience-{self.began}-{self.end}-"


def own_names(run: RunFolder) -> OwnNames:
    """Return the names of a run, the same in all its processes."""
    made = run.once(
        "own-names", lambda: {"began": f"{int(SYSTEM_CLOCK.time()):08x}", "end": secrets.token_hex(2)}
    )
    return OwnNames(**made)


def is_ours(name: str) -> bool:
    """Tell whether a name was chosen by some run."""
    return _OURS.match(name) is not None


def is_left_behind(name: str, *, now: float) -> bool:
    """Tell whether a name was chosen by a run so long ago that it has ended.

    Args:
        name: of a database, an experiment or a model.
        now: seconds since the epoch.
    """
    found = _OURS.match(name)
    return found is not None and now - int(found[1], 16) > OLD
