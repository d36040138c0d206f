"""At a number of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from pytest_resilience.proxy.faults.point import Point, Side
from pytest_resilience.proxy.faults.triggers.trigger import Trigger


@dataclass(slots=True)
class Rows(Trigger):
    """Strike before the row that is one too many, where rows are seen to pass, else at the reply that reports enough.

    Args:
        rows: how many rows are let through.
        table: only those of this table; without a schema of any.
    """

    rows: int
    table: str | None = None
    name: ClassVar[str] = "rows"
    sided: ClassVar[bool] = False
    total: int = field(default=0, init=False)

    @property
    def sees_rows(self) -> bool:
        """It counts them."""
        return True

    def count(self, point: Point) -> int:
        """Count the message that would carry too many rows, or the reply that reports enough."""
        if not point.rows or not self._is_mine(point.table):
            return 0
        self.total += point.rows
        enough = self.total > self.rows if point.side is Side.REQUEST else self.total >= self.rows
        return int(enough)

    def foresee(self, point: Point) -> int:
        """Foresee that a statement may be it which writes rows; how many, only the server knows."""
        return int(
            self._is_mine(point.table) and any(tag in {"INSERT", "MERGE", "COPY"} for tag in point.tags)
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"rows": self.rows, "table": self.table}

    def _is_mine(self, table: str | None) -> bool:
        if self.table is None:
            return True
        if table is None:
            return False
        mine, theirs = self.table.split("."), table.split(".")
        length = min(len(mine), len(theirs))
        return mine[-length:] == theirs[-length:]
