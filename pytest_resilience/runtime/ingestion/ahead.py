"""Make the next item while the last one is being used."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

T = TypeVar("T")


def one_ahead(items: Generator[T]) -> Generator[T]:
    """Yield the items, each made in a thread beside the caller's; at most one is made in advance."""
    end = object()
    with closing(items), ThreadPoolExecutor(1, thread_name_prefix="resilience-read-ahead") as reader:
        coming = reader.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = reader.submit(next, items, end)
            yield item  # type: ignore[misc]
