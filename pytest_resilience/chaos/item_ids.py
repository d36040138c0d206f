"""The ids of the checklist's items, as scenarios and tests name what they prove."""

from __future__ import annotations

ITEM_IDS = (
    "external-calls",
    "backoff",
    "transactions",
    "checkpoints",
    "structured-logs",
    "alerts",
    "rollback",
    "breakers",
    "messages",
    "runbooks",
)
"""In the order of their numbers; a test compares them with the checklist itself."""
