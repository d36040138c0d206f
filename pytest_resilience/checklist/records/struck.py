"""Which requests faults struck: a stroke stands on the wire as a notice of its own, after the request that it met."""

from __future__ import annotations

from pytest_resilience.chaos.run.record import Message, RunRecord


def struck(run: RunRecord) -> list[Message]:
    """Return the requests that faults met, and those whose replies they met, in their order.

    Args:
        run: a run with faults.
    """
    last: dict[tuple[str, int], Message] = {}
    found: list[Message] = []
    for message in run.messages:
        where = (message.service, message.connection)
        if message.side == "request" and message.shape is not None:
            last[where] = message
        elif message.fault is not None and where in last:
            found.append(last[where])
    return found
