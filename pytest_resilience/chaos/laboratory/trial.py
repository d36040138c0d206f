"""A run that is over, and what must show up in nothing that it says: planted secrets, and who its patients are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.run.given_away import given_away
from pytest_resilience.chaos.run.look import Look
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.sandbox import Sandbox

LEAST = 12
"""Characters of a password that are not by accident somewhere in a text."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A run that is over, while its services still can be asked.

    Args:
        record: what was seen.
        look: its services, around the proxies.
        sandbox: what it had to itself.
    """

    record: RunRecord
    look: Look
    sandbox: Sandbox


def trial_of(
    record: RunRecord, sandbox: Sandbox, *, uses: Collection[str], identifiers: Mapping[str, str]
) -> Trial:
    """Return the trial that a run was.

    Args:
        record: the run.
        sandbox: where it was made.
        uses: the services of its workload.
        identifiers: what tells who a patient is, by where it stands.
    """
    declared = {f"planted secret in {name}": value for name, value in sandbox.canaries.items()}
    planted = declared | dict(_passwords(sandbox, uses)) | dict(identifiers)
    told = tuple(given_away(record, planted))
    return Trial(replace(record, given_away=told), Look(sandbox), sandbox)


def _passwords(sandbox: Sandbox, uses: Collection[str]) -> Iterator[tuple[str, str]]:
    for service in uses:
        handle = sandbox.service(service)
        password = None
        if isinstance(handle, PostgresHandle):
            password = handle.password
        elif isinstance(handle, HttpHandle):
            password = urlsplit(handle.direct_url).password
        if password is not None and len(password) >= LEAST:
            yield f"planted password of {service}", password
