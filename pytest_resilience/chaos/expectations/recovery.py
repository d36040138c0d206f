"""The `recovers_within` expectation: the steady state holds again, soon enough after heal."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.chaos.expectations.context import Context
from pytest_resilience.chaos.expectations.judgement import Judgement
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import Expectations


def judge_recovery(expect: Expectations, record: RunRecord, _context: Context) -> Iterator[Judgement]:
    """Judge the steady state after heal; without one there is nothing that could hold again."""
    if not (record.before or record.after):
        return
    healed = healed_at(record)
    took = None if record.recovered_at is None else max(0.0, record.recovered_at - healed)
    yield Judgement(
        name="recovers_within",
        phase="liveness",
        held=took is not None and took <= expect.recovers_within,
        expected=f"the steady state again within {expect.recovers_within:g} s of heal",
        seen=f"after {took:.2f} s" if took is not None else _broken(record),
    )


def healed_at(record: RunRecord) -> float:
    """Return when the last fault was healed: at the end of the workload where none was before."""
    times = [fault.healed_at for fault in record.faults if fault.healed_at is not None]
    ends = [process.ended for process in record.processes if process.ended is not None]
    return max(times or ends, default=0.0)


def _broken(record: RunRecord) -> str:
    broken = [f"{check.check}, but was {check.seen}" for check in record.after if not check.held]
    return f"not again: {'; '.join(broken)}" if broken else "not again"
