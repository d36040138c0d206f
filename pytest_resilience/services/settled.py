"""A future that a thread of ours fulfils, whatever comes of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Made = TypeVar("Made")


def settle(future: Future[Made], make: Callable[[], Made]) -> None:
    """Give a future what `make` returns, or raises: it is raised again where somebody asks for it."""
    try:
        made = make()
    except BaseException as error:  # noqa: BLE001 - nothing is swallowed: whoever asks gets it
        future.set_exception(error)
    else:
        future.set_result(made)
