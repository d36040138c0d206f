"""The writing side of the ledger: who changes which model, and how."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.runtime.models.ledger import Action, Ledger, LedgerEntry, Outcome
from pytest_resilience.runtime.models.registry import ModelRegistry
from pytest_resilience.runtime.models.schemes import Before, SchemeName


@dataclass(slots=True)
class Journal:
    """One writer of a model's ledger, who holds the model's lock.

    Args:
        registry: where the model is.
        model_name: the model.
        scheme: how charge is changed.
        who: the user and the host.
        ledger: what is written so far; grows with each note.
        clock: stamps the entries.
    """

    registry: ModelRegistry
    model_name: str
    scheme: SchemeName
    who: str
    ledger: Ledger
    clock: Clock = SYSTEM_CLOCK

    def note(self, outcome: Outcome, action: Action, version: str, before: Before, why: str | None) -> None:
        """Append an entry about a version that is to take over from what is in charge before."""
        entry = LedgerEntry(
            at=datetime.fromtimestamp(self.clock.time(), UTC).isoformat(timespec="seconds"),
            who=self.who,
            action=action,
            outcome=outcome,
            scheme=self.scheme,
            from_version=before.champion,
            to_version=version,
            previous=before.previous,
            why=why,
        )
        self.ledger = self.ledger.write(self.registry, self.model_name, entry)


def this_user() -> str:
    """Return the user and the host of this process."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user id without an account, as containers have it
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"
