"""A fault: something broken on purpose, for as long as a `with` block lasts, with the proof that it was."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.errors import HarnessError

_NO_TEST = {
    "builtins": "Skipped",  # pytest's own, which says that it is from there
    "unittest": "SkipTest",
    "hypothesis": "UnsatisfiedAssumption StopTest",
}
"""The exceptions that say that nothing was to be shown, by the package that has them; none is imported for it."""


class FaultNotFiredError(HarnessError, AssertionError):
    """Say that a fault met nothing: a test that passes without its fault proves nothing, it is `unproven`."""


def never_fired(name: str) -> str:
    """Return what is said of a fault that met nothing."""
    return (
        f"unproven: the fault {name} never fired: nothing that it waits for came by while it was "
        "injected. Does the code under test get so far, and does it reach the service through the "
        "address of the fixture? (must_fire=False allows it)"
    )


class HealError(HarnessError):
    """Say that what was broken could not be shown to be whole again."""


class Mechanism(Protocol):
    """What carries one fault out."""

    def inject(self) -> None:
        """Break it, and see that it is broken."""

    def heal(self) -> None:
        """Make it whole, and see that it is."""

    def receipts(self) -> Sequence[Receipt]:
        """Return what the fault has hit until now."""


class Fault:
    """One fault as a context manager, for `with` and `async with`: injected on entry, healed on exit.

    Args:
        name: what messages call it, for example `down on postgres`.
        mechanism: what carries it out.
        duration: seconds after which it heals by itself; none is the end of the block.
        must_fire: fail the test as unproven where the fault met nothing until it healed.
    """

    def __init__(
        self, name: str, mechanism: Mechanism, *, duration: float | None = None, must_fire: bool = True
    ) -> None:
        self.name = name
        self._mechanism = mechanism
        self._duration = duration
        self._must_fire = must_fire
        self._active = False
        self._used = False
        self._missed = False
        self._excused = False
        self._collected: tuple[Receipt, ...] = ()
        self._healing = threading.Lock()
        self._timer: threading.Timer | None = None
        self._late_error: HealError | None = None

    @property
    def forgotten(self) -> bool:
        """Whether it was made and never injected, as where its `with` was left out."""
        return self._must_fire and not self._used

    @property
    def unproven(self) -> bool:
        """Whether it was injected and met nothing, whatever became of the error that says so.

        A block that was left by a skip, or by an assumption of Hypothesis, was no test and need not prove anything.
        """
        if not self._must_fire or not self._used:
            return False
        return self._missed or not (self._excused or self.fired)

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """What the fault has hit, in order."""
        if self._active:
            self._collected = tuple(self._mechanism.receipts())
        return self._collected

    @property
    def fired(self) -> bool:
        """Whether the fault has hit anything."""
        return bool(self.receipts)

    def heal(self) -> None:
        """End the fault before its block ends; safe to call twice.

        Raises:
            HealError: that it healed could not be confirmed.
        """
        if self._timer is not None:
            self._timer.cancel()
        with self._healing:
            if self._active:
                self._collected = tuple(self._mechanism.receipts())
                self._heal_now()
        if self._late_error is not None:
            raise self._late_error

    def _heal_now(self) -> None:
        try:
            self._mechanism.heal()
        except HarnessError as error:
            raise HealError(f"the fault {self.name} could not be healed: {error}") from error
        finally:
            self._active = False

    def _heal_in_time(self) -> None:
        try:
            self.heal()
        except HealError as error:
            self._late_error = error

    def __enter__(self) -> Self:
        __tracebackhide__ = True
        if self._active:
            raise HarnessError(f"the fault {self.name} is injected already; make another one")
        self._active = self._used = True
        try:
            self._mechanism.inject()
        except BaseException:
            self._mechanism.heal()
            self._active = False
            raise
        if self._duration is not None:
            self._timer = threading.Timer(self._duration, self._heal_in_time)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.heal()
        if self._collected:
            return
        if kind is not None and _is_no_test(kind):
            self._excused = True
            return
        self._missed = True
        if kind is None and self._must_fire:
            raise FaultNotFiredError(never_fired(self.name))

    async def __aenter__(self) -> Self:
        import asyncio

        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import asyncio

        await asyncio.to_thread(self.__exit__, kind, error, trace)


def _is_no_test(kind: type[BaseException]) -> bool:
    return any(
        base.__name__ in _NO_TEST.get(base.__module__.partition(".")[0], "").split() for base in kind.__mro__
    )
