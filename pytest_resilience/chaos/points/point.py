"""A fault point: one message of a run, on one side of the server, that another run comes by again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pytest_resilience.chaos.scenario.model import When
from pytest_resilience.chaos.trigger import Side

Protocol: TypeAlias = Literal["postgres", "http"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPoint:
    """A place in a run where a fault can go.

    Args:
        service: whose traffic.
        protocol: what it speaks.
        side: `request`, before the server has it; `reply`, after it has acted.
        message: a command tag, a protocol message, or a method and a path template.
        nth: which of these it is, from 1, over all connections.
        shape: the SQL with every literal as `?`; none where the message says all.
        sql: a regular expression that finds its statement, where its number among messages of its kind does not: `nth`
            counts what it finds.
        transaction: `I` outside of a transaction, `T` in one, `E` in a failed one; none where there are none.
    """

    service: str
    protocol: Protocol
    side: Side
    message: str
    nth: int
    shape: str | None = None
    transaction: str | None = None
    sql: str | None = None

    @property
    def kind_of_place(self) -> tuple[str, ...]:
        """What points that differ only in their number have in common."""
        return (self.service, self.side, self.message, self.shape or "", self.transaction or "")

    @property
    def id(self) -> str:
        """A short text that is unique in its recording, such as `COMMIT-2-reply`."""
        words = re.sub(r"[^A-Za-z0-9_]+", "-", self.message).strip("-")
        return f"{words}-{self.nth}-{self.side}"

    @property
    def when(self) -> When:
        """The trigger that comes by it."""
        if self.protocol == "http":
            return When(request=self.message, side=self.side, nth=self.nth)
        if self.sql is not None:
            return When(sql=self.sql, side=self.side, nth=self.nth)
        return When(message=self.message, side=self.side, nth=self.nth)

    @property
    def is_commit(self) -> bool:
        """Whether a transaction ends here."""
        return self.message == "COMMIT"
