"""A forked child has one thread: locks that the others held, and work that they did, begin anew in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

_made: WeakKeyDictionary[object, dict[str, Callable[[], Any]]] = WeakKeyDictionary()


def renew_in_child(owner: object, **made: Callable[[], Any]) -> None:
    """Make attributes of an object or a module anew in each child that is forked from now on, while it lives.

    Args:
        owner: whose they are; at most one call for each.
        made: what makes each: `_lock=Lock`, for who held the parent's is not in the child.
    """
    _made[owner] = made


def _renew_all() -> None:
    for owner, made in tuple(_made.items()):
        for name, make in made.items():
            setattr(owner, name, make())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
