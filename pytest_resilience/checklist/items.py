"""The ten items of the checklist: their ids, numbers and titles (policy §7)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the checklist."""

    number: int
    id: str
    title: str


ITEMS = (
    Item(1, "external-calls", "All external calls handle their failures"),
    Item(2, "backoff", "Retriable errors use exponential backoff"),
    Item(3, "transactions", "Database operations use transactions"),
    Item(4, "checkpoints", "Checkpoints are saved before major operations"),
    Item(5, "structured-logs", "Errors are logged with structured context"),
    Item(6, "alerts", "High-severity errors trigger alerts"),
    Item(7, "rollback", "Rollback procedures are tested"),
    Item(8, "breakers", "Circuit breakers are configured for external services"),
    Item(9, "messages", "Error messages are actionable"),
    Item(10, "runbooks", "Recovery procedures are documented"),
)


def item(item_id: str) -> Item:
    """Return the item of that id.

    Raises:
        KeyError: there is none.
    """
    return {known.id: known for known in ITEMS}[item_id]
