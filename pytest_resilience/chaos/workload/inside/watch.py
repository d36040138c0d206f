"""What is asked before and after each step on a file: is there space, and may it be done."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

from .orders import FIRST_BUDGET, Orders


class Watch:
    """What is asked before and after each step on a file."""

    def __init__(self) -> None:
        self._orders: Orders | None = None
        self._folder = "/"
        self._ask: Callable[[dict[str, Any]], Any] = dict
        self._told: set[str] = set()

    def begin(self, orders: Orders, folder: str, ask: Callable[[dict[str, Any]], Any]) -> None:
        """Follow the orders."""
        self._orders, self._folder, self._ask = orders, folder, ask

    @property
    def active(self) -> bool:
        """Whether anything is to be done."""
        return self._orders is not None and self._orders.any_for_files()

    def allowed(self, path: str | None, count: int) -> int:
        """Return how many of so many bytes may be written, and count them.

        Raises:
            OSError: no space is left.
        """
        if self._orders is None or path is None or count == 0:
            return count
        for order in self._orders.disk_full:
            if path == order["path"] or path.startswith(order["path"].rstrip("/") + "/"):
                count = min(count, self._take(order, path, count))
        return count

    def _take(self, order: dict[str, Any], path: str, count: int) -> int:
        budgets = self._orders.page.integers  # type: ignore[union-attr]
        slot = FIRST_BUDGET + order["slot"]
        left: int = budgets[slot]
        if left <= 0:
            if order["id"] not in self._told:
                self._told.add(order["id"])
                self._ask({"receipt": "disk_full", "order": order["id"], "path": path})
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        budgets[slot] = left - min(left, count)
        return min(left, count)

    def step(self, what: str, paths: tuple[str | None, ...], act: Callable[[], Any]) -> Any:
        """Do a step, and ask before and after it where the harness wants to know."""
        names = [self._name(path) for path in paths]
        if self._orders is None or not self._orders.file_events or not any(names):
            return act()
        told = f"{what} {' -> '.join(name or '(elsewhere)' for name in names)}"
        self._ask({"event": told, "when": "before"})
        done = act()
        self._ask({"event": told, "when": "after"})
        return done

    def _name(self, path: str | None) -> str | None:
        """Return a path relative to the working folder, none where it is elsewhere."""
        inside = path is not None and (path + "/").startswith(self._folder.rstrip("/") + "/")
        return os.path.relpath(path, self._folder) if inside and path is not None else None


WATCH = Watch()


def path_of(descriptor: int) -> str | None:
    """Return the path of an open file, none of anything else."""
    try:
        path = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115
    except OSError:
        return None
    return path if path.startswith("/") else None


def full_path(path: Any, folder: int | None = None) -> str | None:
    """Return a path as it would be looked up, its folder's links resolved."""
    if isinstance(path, int):
        return path_of(path)
    text = os.fsdecode(path)
    if folder is not None:
        text = os.path.join(path_of(folder) or "/", text)  # noqa: PTH118
    head, tail = os.path.split(os.path.abspath(text))  # noqa: PTH100
    return os.path.join(os.path.realpath(head), tail)  # noqa: PTH118
