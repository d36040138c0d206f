"""When a fault strikes: one small file a trigger."""

from __future__ import annotations

from pytest_resilience.proxy.faults.triggers.after import After
from pytest_resilience.proxy.faults.triggers.message import Message
from pytest_resilience.proxy.faults.triggers.request import Request
from pytest_resilience.proxy.faults.triggers.rows import Rows
from pytest_resilience.proxy.faults.triggers.sql import Sql
from pytest_resilience.proxy.faults.triggers.start import Start
from pytest_resilience.proxy.faults.triggers.trigger import Trigger

__all__ = ["TRIGGERS", "After", "Message", "Request", "Rows", "Sql", "Start", "Trigger"]

TRIGGERS: tuple[type[Trigger], ...] = (Start, After, Rows, Message, Sql, Request)
"""All there are."""
