"""A server under test: waited for until it serves, then driven with requests."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.record import CallRecord
from pytest_resilience.chaos.workload.http_drive import READY_POLL, Driver, Request, answers
from pytest_resilience.chaos.workload.supervised import WorkloadStartError


class Process(Protocol):
    """What is asked of the server's process."""

    @property
    def exit_code(self) -> int | None:
        """Its status; none while it runs."""

    @property
    def ended_by_itself(self) -> bool:
        """Whether it has ended, and nobody told it to."""

    def wait(self, timeout: float | None) -> int:
        """Wait for its end."""

    def last_words(self) -> str:
        """Return the end of what it wrote to standard error."""


class Serving:
    """The traffic of one start of a server.

    Args:
        declaration: with `ready`, `drive` and `deadline`.
        port: where it listens.
        folder: where the body's file is.
        zero: the moment of CLOCK_MONOTONIC from which records count.
    """

    def __init__(self, declaration: WorkloadDeclaration, port: int, folder: Path, *, zero: float) -> None:
        self._declaration = declaration
        self._port = port
        self._zero = zero
        self._ready = None if declaration.ready is None else Request.parse(declaration.ready)
        self._request = None
        if (drive := declaration.drive) is not None:
            body = None if drive.body is None else folder / drive.body
            self._request = Request.parse(drive.request, body=body, more=drive.headers)
        self._driver: Driver | None = None

    def wait_until_ready(self, process: Process) -> None:
        """Wait until `ready` is answered with 2xx, or without it until the port accepts; then begin to drive.

        A process that a fault killed before is driven never: whether it is started again is not decided here.

        Raises:
            WorkloadStartError: the process ended by itself, or its deadline passed.
        """
        end = time.monotonic() + self._declaration.deadline
        while not answers(self._port, self._ready):
            if self._ended(process):
                if not process.ended_by_itself:
                    return
                raise WorkloadStartError(self._story(process, f"ended with status {process.exit_code}"))
            if time.monotonic() > end:
                raise WorkloadStartError(self._story(process, f"took {self._declaration.deadline:g} s"))
        self._drive()

    @staticmethod
    def _ended(process: Process) -> bool:
        try:
            process.wait(READY_POLL)
        except TimeoutError:
            return False
        return True

    def _drive(self) -> None:
        drive = self._declaration.drive
        if self._request is not None and drive is not None:
            self._driver = Driver(
                self._port,
                self._request,
                every=drive.every,
                one_by_one=drive.one_by_one,
                limit=self._declaration.deadline,
                zero=self._zero,
            )

    def _story(self, process: Process, what: str) -> str:
        asked = self._declaration.ready or f"a connection to port {self._port}"
        return (
            f"workload {self._declaration.name!r} {what} before it served ({asked}); does its command listen on "
            f"127.0.0.1 at {{port}}? The last lines of its standard error:\n{process.last_words()}"
        )

    @property
    def calls(self) -> list[CallRecord]:
        """The requests so far."""
        return [] if self._driver is None else self._driver.calls

    def stop(self) -> None:
        """Send nothing more."""
        if self._driver is not None:
            self._driver.stop()

    def settle(self, given_up: Callable[[], bool]) -> None:
        """Send nothing more, and wait for what is on its way, each for its limit, until `given_up()`."""
        if self._driver is not None:
            self._driver.settle(given_up)

    def close(self) -> None:
        """Give up what is on its way."""
        if self._driver is not None:
            self._driver.close()
