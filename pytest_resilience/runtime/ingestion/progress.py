"""How far an ingestion is: a bar on a terminal that has `rich`, log lines elsewhere."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import sys
from collections.abc import Callable, Iterator

from pytest_resilience.clock import Clock
from pytest_resilience.runtime.ingestion.state import IngestionState

logger = logging.getLogger(__name__)

Show = Callable[[IngestionState], None]

EVERY = 5.0
"""Seconds between two log lines."""


@contextlib.contextmanager
def shown_progress(title: str, *, text_size: int | None, bar: bool | None, clock: Clock) -> Iterator[Show]:
    """Give the block a function that shows a state.

    Args:
        title: what is going on.
        text_size: bytes of the whole file, or None.
        bar: show a bar; None: where standard error is a terminal and `rich` is installed.
        clock: where time comes from.
    """
    if bar is None:
        bar = sys.stderr.isatty() and importlib.util.find_spec("rich") is not None
    with _bar(title, text_size) if bar else contextlib.nullcontext(_lines(title, text_size, clock)) as show:
        yield show


def _lines(title: str, text_size: int | None, clock: Clock) -> Show:
    last = clock.monotonic()

    def show(state: IngestionState) -> None:
        nonlocal last
        now = clock.monotonic()
        if now - last < EVERY:
            return
        last = now
        part = f"{state.offset / text_size:.0%}, " if text_size else ""
        logger.info("%s: %srow %d, %d rejected", title, part, state.last_row, state.rejected)

    return show


@contextlib.contextmanager
def _bar(title: str, text_size: int | None) -> Iterator[Show]:
    from rich.console import Console  # noqa: PLC0415 - optional
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% · row {task.fields[row]} · {task.fields[rejected]} rejected"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=text_size, row=0, rejected=0)

        def show(state: IngestionState) -> None:
            progress.update(task, completed=state.offset, row=state.last_row, rejected=state.rejected)

        yield show
