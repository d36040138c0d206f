"""The `recovers_within` expectation: the steady state holds again, or without one the service is used again."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.chaos.expectations.context import Context
from pytest_resilience.chaos.expectations.judgement import Judgement
from pytest_resilience.chaos.run.record import Message, RunRecord
from pytest_resilience.chaos.scenario.model import Expectations

_NOT_AT_WORK = "no reply of the service, no call that succeeded and no good end since heal"


def judge_recovery(expect: Expectations, record: RunRecord, _context: Context) -> Iterator[Judgement]:
    """Judge the steady state after heal; without one, and where a bound is given, that the workload works again."""
    healed = healed_at(record)
    if record.before or record.after:
        again, at, broken = "the steady state again", record.recovered_at, _broken(record)
    elif expect.recovers_within is not None:
        again, at, broken = "the workload at work again", _works_again(record, healed), _NOT_AT_WORK
    else:
        return
    took = None if at is None else max(0.0, at - healed)
    yield Judgement(
        name="recovers_within",
        phase="liveness",
        held=took is not None and took <= expect.recovery_bound,
        expected=f"{again} within {expect.recovery_bound:g} s of heal",
        seen=f"after {took:.2f} s" if took is not None else broken,
    )


def healed_at(record: RunRecord) -> float:
    """Return when the last fault was healed: at the end of the workload where none was before."""
    times = [fault.healed_at for fault in record.faults if fault.healed_at is not None]
    ends = [process.ended for process in record.processes if process.ended is not None]
    return max(times or ends, default=0.0)


def _works_again(record: RunRecord, healed: float) -> float | None:
    """Return when a lost service first answered it, a call succeeded, or it ended well; none where nothing did."""
    lost = {fault.order.on for fault in record.faults}
    answered = [
        message.at
        for message in record.messages
        if message.side == "reply" and message.service in lost and not _refuses(message)
    ]
    called = [call.ended for call in record.calls if call.succeeded and call.ended is not None]
    ended = [
        process.ended for process in record.processes if process.ended is not None and process.exit_code == 0
    ]
    return min((at for at in (*answered, *called, *ended) if at >= healed), default=None)


def _refuses(message: Message) -> bool:
    return message.fault is not None or message.message == "ErrorResponse" or message.message.startswith("5")


def _broken(record: RunRecord) -> str:
    broken = [f"{check.check}, but was {check.seen}" for check in record.after if not check.held]
    return f"not again: {'; '.join(broken)}" if broken else "not again"
