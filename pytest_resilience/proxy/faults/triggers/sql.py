"""At a statement's text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_resilience.proxy.faults.point import Point
from pytest_resilience.proxy.faults.triggers.trigger import Trigger


@dataclass(slots=True)
class Sql(Trigger):
    """Strike at a statement in which a regular expression is found.

    Args:
        pattern: the expression, compiled.
    """

    pattern: re.Pattern[str]
    name: ClassVar[str] = "sql"

    @property
    def only_statements(self) -> bool:
        """Nothing else matters."""
        return True

    def count(self, point: Point) -> int:
        """Count the statements that match."""
        return sum(self.pattern.search(statement.sql) is not None for statement in point.statements)

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"sql": self.pattern.pattern}
