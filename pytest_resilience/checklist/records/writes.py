"""Writes on the wire of a database: statements, transactions, and how much was sent."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.chaos.explore.at_once import is_write
from pytest_resilience.chaos.points.of_http import changes, http_request
from pytest_resilience.chaos.run.record import Message, RunRecord
from pytest_resilience.checklist.records.windows import windows

_SENT = ("insert", "copy", "update", "merge", "delete", "with")


def most_writes(run: RunRecord, service: str) -> int:
    """Return the writing statements of the call, or the process, that has the most."""
    writes = [message.at for message in run.messages if message.service == service and is_write(message)]
    return max((sum(began <= at <= ended for at in writes) for (began, ended), _ in windows(run)), default=0)


def batches(run: RunRecord, service: str) -> list[int]:
    """Return how much each transaction sent that wrote: statements, and messages of a COPY."""
    return list(_batches([message for message in run.messages if message.service == service]))


def sent(run: RunRecord, service: str) -> int:
    """Return how much was sent to be written, over all starts of the workload."""
    return sum(_size(message) for message in run.messages if message.service == service)


def _batches(messages: list[Message]) -> Iterator[int]:
    """Group by connection: a transaction ends where the server is idle again."""
    pending: dict[int, int] = {}
    for message in messages:
        pending[message.connection] = pending.get(message.connection, 0) + _size(message)
        over = message.message == "ReadyForQuery" and message.transaction in {"I", None}
        if over or (message.side == "reply" and message.message.split()[0].isdigit()):
            if pending[message.connection]:
                yield pending[message.connection]
            pending[message.connection] = 0


def _size(message: Message) -> int:
    if message.side != "request":
        return 0
    if message.message == "CopyData":
        return message.count
    if (request := http_request(message)) is not None:
        return int(changes(request))
    executes = message.message in {"Query", "Execute"}
    return int(
        executes and (message.shape or "").lstrip("( ").lower().startswith(_SENT) and not _copies(message)
    )


def _copies(message: Message) -> bool:
    return (message.shape or "").lower().startswith("copy")
