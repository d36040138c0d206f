"""The ledger: every change of charge of a model, append-only, as tags of the model in the registry itself.

There it is seen by every process that deploys, moves with a renamed model, and needs no second store that could
disagree with the first. An entry is one tag; none is ever written again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
from typing import Literal, TypeAlias

from pytest_resilience.errors import FatalError
from pytest_resilience.runtime.models.registry import ModelRegistry

PREFIX = "pytest-resilience.ledger."
LONGEST_TEXT = 500

Action: TypeAlias = Literal["deploy", "rollback"]
Outcome: TypeAlias = Literal["begun", "success", "rolled_back", "superseded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One step of a change of charge.

    Args:
        at: when, in UTC, ISO 8601.
        who: the user and the host.
        action: what was wanted.
        outcome: `begun` before anything is changed; then how it ended.
        scheme: `aliases` or `stages`.
        from_version: in charge before, or None.
        to_version: wanted in charge.
        previous: what `@previous` stood for before.
        why: the reason that was given, or the error that ended it.
    """

    at: str
    who: str
    action: Action
    outcome: Outcome
    scheme: str
    from_version: str | None
    to_version: str
    previous: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """A model's entries, in the order in which they were written.

    Args:
        entries: the oldest first.
        last: the number of the tag that was written last.
    """

    entries: tuple[LedgerEntry, ...] = ()
    last: int = 0

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Ledger:
        """Read it from a model's tags.

        Raises:
            FatalError: somebody has changed one of them, so that nobody knows what was in charge.
        """
        written = sorted(
            (_entry(key, value) for key, value in tags.items() if key.startswith(PREFIX)), key=itemgetter(0)
        )
        return cls(tuple(entry for _, entry in written), written[-1][0] if written else 0)

    @property
    def unfinished(self) -> LedgerEntry | None:
        """The change that was begun last and never ended, because its process died; None if there is none."""
        return self.entries[-1] if self.entries and self.entries[-1].outcome == "begun" else None

    @property
    def in_charge(self) -> str | None:
        """The version that was put in charge last; None if none ever was."""
        done = [entry.to_version for entry in self.entries if entry.outcome == "success"]
        return done[-1] if done else None

    def previous_of(self, version: str) -> str | None:
        """Return which version was in charge before this one was deployed."""
        for entry in reversed(self.entries):
            done = entry.outcome == "success" and entry.action == "deploy" and entry.to_version == version
            if done and entry.from_version != version:
                return entry.from_version
        return None

    def write(self, registry: ModelRegistry, model_name: str, entry: LedgerEntry) -> Ledger:
        """Append an entry in the registry; return the ledger with it. Only who holds the lock may write."""
        if entry.why is not None:
            entry = replace(entry, why=entry.why[:LONGEST_TEXT])
        number = self.last + 1
        registry.set_tag(model_name, f"{PREFIX}{number:06d}", json.dumps(asdict(entry)))
        return Ledger((*self.entries, entry), number)


def _entry(key: str, value: str) -> tuple[int, LedgerEntry]:
    try:
        return int(key.removeprefix(PREFIX)), LedgerEntry(**json.loads(value))
    except (TypeError, ValueError) as error:
        raise FatalError(
            f"The tag {key!r} of the model is no entry of its ledger ({type(error).__name__}), so that nobody knows "
            "what was in charge: somebody has changed it by hand. Restore its value, or delete the tag, "
            "and run the same again."
        ) from error
