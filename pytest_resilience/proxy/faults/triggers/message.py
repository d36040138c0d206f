"""At a command tag or a message of PostgreSQL's protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_resilience.proxy.faults.point import Point
from pytest_resilience.proxy.faults.triggers.trigger import Trigger
from pytest_resilience.proxy.wire.postgres.names import TRIGGERS as PROTOCOL_MESSAGES

_MORE_WORDS = frozenset(
    {"CREATE", "ALTER", "DROP", "TRUNCATE", "LOCK", "DECLARE", "CLOSE", "DISCARD", "REFRESH"}
)
"""Commands whose tags have more words, which need not all be given."""


@dataclass(slots=True)
class Message(Trigger):
    """Strike at a command tag, or at a message of the protocol.

    Args:
        message: `COMMIT`, `INSERT`, …, or `Startup`, `Query`, `Sync`, …
    """

    message: str
    name: ClassVar[str] = "message"

    @property
    def is_tag(self) -> bool:
        """Whether it is a command tag."""
        return self.message not in PROTOCOL_MESSAGES

    @property
    def only_statements(self) -> bool:
        """Whether it waits for a tag."""
        return self.is_tag

    @property
    def sees_rows(self) -> bool:
        """Whether it waits for CopyData."""
        return self.message == "CopyData"

    def count(self, point: Point) -> int:
        """Count the statements with this tag, or the message itself."""
        if not self.is_tag:
            return int(self.message in point.names)
        return sum(self._is_it(tag) for tag in point.tags)

    def label(self, point: Point) -> str:  # noqa: ARG002 - its own name says it best
        """Return what the fault was set at."""
        return self.message

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"message": self.message}

    def _is_it(self, tag: str) -> bool:
        return tag == self.message or (
            self.message.partition(" ")[0] in _MORE_WORDS and tag.startswith(self.message + " ")
        )
