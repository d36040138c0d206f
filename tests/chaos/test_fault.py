"""A fault heals whatever happens, proves that it fired, and says so where it did not."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import unittest
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis.errors import UnsatisfiedAssumption

from pytest_resilience.chaos.fault import Fault, FaultNotFiredError, HealError
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.errors import HarnessError

HIT = Receipt(at=1.0, service="warehouse", kind="cut", connection=1, message="COMMIT")


@dataclass
class Recorder:
    """A mechanism that writes down what it is told."""

    hits: list[Receipt] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    broken: str = ""
    tried_to_heal: threading.Event = field(default_factory=threading.Event)

    def inject(self) -> None:
        self._do("inject")

    def heal(self) -> None:
        self.tried_to_heal.set()
        self._do("heal")

    def receipts(self) -> Sequence[Receipt]:
        return self.hits

    def _do(self, what: str) -> None:
        self.calls.append(what)
        if what == self.broken:
            raise HarnessError(f"cannot {what}")


def test_block_injects_and_heals() -> None:
    """The fault lasts as long as its block, and its receipts outlive it."""
    recorder = Recorder([HIT])
    with Fault("cut on warehouse", recorder) as fault:
        during = (list(recorder.calls), fault.fired)

    assert (during, recorder.calls, fault.receipts) == ((["inject"], True), ["inject", "heal"], (HIT,))


def test_fault_that_met_nothing_is_unproven() -> None:
    """A test must not pass on a fault that nothing came across."""
    recorder = Recorder()
    with (
        pytest.raises(FaultNotFiredError, match=r"^unproven: the fault cut on warehouse never fired"),
        Fault("cut on warehouse", recorder),
    ):
        pass

    assert recorder.calls == ["inject", "heal"]


def _raise(error: BaseException | None) -> None:
    if error is not None:
        raise error


@pytest.mark.parametrize("error", [KeyError(), KeyboardInterrupt(), None])
def test_fault_that_met_nothing_stays_unproven(error: BaseException | None) -> None:
    """Who catches the error, or raises another in the block, does not make it proven, and no later block does."""
    recorder = Recorder()
    fault = Fault("cut on warehouse", recorder)
    before = fault.unproven
    with contextlib.suppress(KeyError, KeyboardInterrupt, FaultNotFiredError), fault:
        _raise(error)
    recorder.hits.append(HIT)
    with fault:
        pass

    assert (before, fault.unproven) == (False, True)


@pytest.mark.parametrize("error", [pytest.skip.Exception, unittest.SkipTest, UnsatisfiedAssumption])
def test_block_that_was_no_test_proves_nothing(error: type[BaseException]) -> None:
    """A skip, or an example that does not count, leaves nothing unproven."""
    fault = Fault("cut on warehouse", Recorder())
    with pytest.raises(error), fault:
        raise error

    assert not fault.unproven


def test_fault_that_could_not_be_injected_is_unproven() -> None:
    """Until it is injected after all."""
    recorder = Recorder([], broken="inject")
    fault = Fault("cut on warehouse", recorder)
    with pytest.raises(HarnessError), fault:
        pass
    failed = fault.unproven
    recorder.broken, recorder.hits = "", [HIT]
    with fault:
        pass

    assert (failed, fault.unproven) == (True, False)


def test_fault_may_be_allowed_to_meet_nothing() -> None:
    """With `must_fire=False` it is no error."""
    with Fault("cut on warehouse", Recorder(), must_fire=False) as fault:
        pass

    assert not fault.fired
    assert not fault.unproven


def test_error_of_the_test_is_not_hidden() -> None:
    """An error inside the block comes out as it is, also where the fault never fired."""
    with pytest.raises(KeyError), Fault("cut on warehouse", Recorder()):
        raise KeyError


def test_healing_early_and_twice() -> None:
    """`heal()` ends the fault, once."""
    recorder = Recorder([HIT])
    with Fault("cut on warehouse", recorder) as fault:
        fault.heal()
        fault.heal()

    assert recorder.calls == ["inject", "heal"]


def test_half_made_fault_is_healed() -> None:
    """What failed half-way through is undone, and the first error is the one that is seen."""
    recorder = Recorder(broken="inject")
    with pytest.raises(HarnessError, match="cannot inject"), Fault("cut on warehouse", recorder):
        pass

    assert recorder.calls == ["inject", "heal"]


def test_failed_healing_is_an_error() -> None:
    """Nobody goes on with a service that may still be broken."""
    with (
        pytest.raises(HealError, match="the fault cut on warehouse could not be healed: cannot heal"),
        Fault("cut on warehouse", Recorder([HIT], broken="heal")),
    ):
        pass


def test_duration_heals_by_itself() -> None:
    """With a duration it ends inside the block, exactly once."""
    recorder = Recorder([HIT])
    with Fault("down on warehouse", recorder, duration=0.001):
        assert recorder.tried_to_heal.wait(60)

    assert recorder.calls == ["inject", "heal"]


def test_failed_healing_in_time_comes_out_at_the_end() -> None:
    """An error in the background does not get lost."""
    recorder = Recorder([HIT], broken="heal")
    with pytest.raises(HealError), Fault("down on warehouse", recorder, duration=0.001):
        assert recorder.tried_to_heal.wait(60)


def test_fault_is_injected_once() -> None:
    """The same fault cannot be nested in itself."""
    fault = Fault("cut on warehouse", Recorder([HIT]))
    with fault, pytest.raises(HarnessError, match="is injected already"):
        fault.__enter__()


def test_async_blocks() -> None:
    """The same object works in `async with`."""
    recorder = Recorder([HIT])

    async def block() -> None:
        async with Fault("cut on warehouse", recorder):
            assert recorder.calls == ["inject"]

    asyncio.run(block())

    assert recorder.calls == ["inject", "heal"]
