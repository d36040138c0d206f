"""What a run shows beside what it was made for: a secret anywhere, a library's exception that leaves the program.

Items 1, 5 and 9 are asked of every fault. Those that a service as a whole is tried with are judged on all three in
full; of all other runs it is said what is wrong in them, and nothing is passed for want of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.checklist.experiments.experiment import Experiment, ExperimentResult
from pytest_resilience.checklist.experiments.single_fault import SingleFault
from pytest_resilience.checklist.judges import external_calls, messages, structured_logs
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import fault_name
from pytest_resilience.checklist.replay import replay_of
from pytest_resilience.checklist.verdict import Evidence


def with_beside(experiment: Experiment, result: ExperimentResult, laboratory: Laboratory) -> ExperimentResult:
    """Return what an experiment came to, with what is wrong in its run for other items; it survived all the same."""
    record = result.record
    if record is None or any(each.item == structured_logs.ITEM for each in result.evidence):
        return result
    return replace(result, evidence=(*result.evidence, *_found(experiment, record, laboratory)))


def _found(experiment: Experiment, record: RunRecord, laboratory: Laboratory) -> Iterator[Evidence]:
    fault = record.faults[0] if record.faults else None
    service = fault.order.on if fault is not None else None
    subject = subject_of(record.workload, service) if service else subject_of(record.workload)
    besides = ", and alerts too" if record.alerts_healed_at is not None else ""
    what = f"{fault_name(fault)}{besides}: " if fault is not None else ""
    replay = replay_of(experiment.id)
    for name, place in record.given_away[:1]:
        case = Case(item=messages.ITEM, subject=subject, replay=replay)
        yield case.failed(f"{what}the {name} stands in {place}", messages.REDACT)
    if (
        service not in laboratory.configuration.services
        or record.first_receipt is None
        or _was_killed(record)
    ):
        return
    rest = replace(record, given_away=())  # told already
    for evidence in _said(experiment, rest, laboratory, str(service), replay):
        if evidence.outcome == "failed":
            yield replace(evidence, subject=subject, why=f"{what}{evidence.why}")


def _said(
    experiment: Experiment, record: RunRecord, laboratory: Laboratory, service: str, replay: str
) -> Iterator[Evidence]:
    """Yield how the code under test ended, and what it said."""
    boundary, clean = laboratory.configuration.boundary, laboratory.clean(record.workload)
    declared, is_server = clean.workload, clean.workload.shape == "server"
    if boundary == "application":
        case = Case(item=external_calls.ITEM, subject="", replay=replay)
        # What a server's client meets is none of its own.
        own = replace(record, calls=()) if is_server else record
        for why, fix in islice(external_calls.raw_ends(own), 1):
            yield case.failed(why, fix)
    cut_off = is_server and not all(call.outcome.isdigit() for call in record.calls)
    if cut_off or not isinstance(experiment, SingleFault):
        return  # who is ended by us, or meets many faults in a row, may say less or more than of one
    yield structured_logs.judge(
        record, clean=clean.record, workload=declared, service=service, boundary=boundary, replay=replay
    )
    yield messages.judge(record, clean=clean.record, workload=declared, service=service, replay=replay)


def _was_killed(record: RunRecord) -> bool:
    return any(process.killed for process in record.processes)
