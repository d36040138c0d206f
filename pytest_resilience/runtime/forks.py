"""A forked child has one thread: locks that the others held, and work that they did, begin anew in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol
from weakref import WeakSet


class Renewed(Protocol):
    """What has to begin anew in a child."""

    def renew_after_fork(self) -> None:
        """Make locks anew: who holds them is not in this process."""


_objects: WeakSet[Renewed] = WeakSet()
_functions: list[Callable[[], None]] = []


def renew_in_child(one: Renewed) -> None:
    """Renew an object, for as long as it lives, in each child that is forked from now on."""
    _objects.add(one)


def call_in_child(renew: Callable[[], None]) -> None:
    """Call a function in each child that is forked from now on."""
    _functions.append(renew)


def _renew_all() -> None:
    for renew in _functions:
        renew()
    for one in tuple(_objects):
        one.renew_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
