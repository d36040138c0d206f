"""What must show up in nothing that a run says: the secrets that are planted in it, and who its patients are."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.chaos.laboratory.laboratory import Laboratory, Trial
from pytest_resilience.chaos.postgres_handle import PostgresHandle

LEAST = 12
"""Characters of a password that are not by accident somewhere in a text."""


def planted(laboratory: Laboratory, workload: str, trial: Trial) -> dict[str, str]:
    """Return the secrets of a run, by what they are: those declared, its services' passwords, its patients' data."""
    declared = {f"planted secret in {name}": value for name, value in trial.sandbox.canaries.items()}
    passwords = dict(_passwords(laboratory, workload, trial))
    return declared | passwords | dict(laboratory.clean(workload).identifiers)


def _passwords(laboratory: Laboratory, workload: str, trial: Trial) -> Iterator[tuple[str, str]]:
    for service in laboratory.workload(workload).uses:
        handle = trial.sandbox.service(service)
        password = None
        if isinstance(handle, PostgresHandle):
            password = handle.password
        elif isinstance(handle, HttpHandle):
            password = urlsplit(handle.direct_url).password
        if password is not None and len(password) >= LEAST:
            yield f"planted password of {service}", password
