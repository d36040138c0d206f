"""How a transaction ended, in one word that leaves nothing open."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class TransactionStatus(StrEnum):
    """How a transaction ended."""

    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionOutcome(Generic[T]):
    """How a unit of work ended; true exactly when it is committed.

    Args:
        status: `unknown` means that the connection died while COMMIT was under way, and no marker could tell.
        error: what went wrong, or None.
        attempts: how often the unit was run.
        value: what the unit returned.
        repeated: an earlier run with the same marker had committed, so that nothing was done now.
    """

    status: TransactionStatus
    error: BaseException | None = None
    attempts: int = 1
    value: T | None = None
    repeated: bool = False

    def __bool__(self) -> bool:
        return self.committed

    @property
    def committed(self) -> bool:
        """Whether the changes are in the database for good."""
        return self.status is TransactionStatus.COMMITTED

    @property
    def rolled_back(self) -> bool:
        """Whether the database is as it was before."""
        return self.status is TransactionStatus.ROLLED_BACK

    @property
    def unknown(self) -> bool:
        """Whether nobody can tell; look before trying again."""
        return self.status is TransactionStatus.UNKNOWN

    def result(self) -> T:
        """Return what the unit returned, or raise what went wrong."""
        if not self.committed and self.error is not None:
            raise self.error
        return cast("T", self.value)
