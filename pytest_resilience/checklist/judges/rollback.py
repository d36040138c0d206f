"""Item 7: the declared rollback undoes the change from any step, does no harm twice, and forward works again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.explore.wholeness import TOLD, in_words
from pytest_resilience.chaos.run.record import ProcessRecord
from pytest_resilience.chaos.state.postgres import PostgresState
from pytest_resilience.chaos.state.registry import RegistryState, renumbered, unused, versions_of
from pytest_resilience.chaos.workload.log_lines import last_said
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.verdict import Evidence

ITEM = "rollback"
States = Mapping[str, Any]
"""By service, what was read of it."""
Kept = Mapping[str, frozenset[tuple[str, str]]]
"""By service, the models and versions that a rollback leaves registered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """One change that was broken off at a step, and undone.

    Args:
        step: where it was broken off, in words; `the end` where it was not.
        before: the snapshot.
        changed: after the change, as far as it came.
        undone: after the rollback.
        undone_twice: after the rollback ran once more.
        forward: after the change was made again; none where that was not tried.
        complete: after an undisturbed change.
        rollback, second: how the rollback ended.
        fired: whether the change was broken off as ordered.
    """

    step: str
    before: States
    changed: States
    undone: States
    undone_twice: States
    complete: States
    rollback: ProcessRecord
    second: ProcessRecord
    forward: States | None = None
    fired: bool = True


def judge(
    undoing: Undoing | None, *, workload: WorkloadDeclaration, changes: bool | None = None, replay: str = ""
) -> Evidence:
    """Return what one rollback restored.

    Args:
        undoing: what was seen; none where nothing could be tried.
        workload: the code under test.
        changes: whether the undisturbed run changes a state that `snapshot` names; none reads it from `undoing`.
        replay: tries it again.
    """
    step = undoing.step if undoing is not None else "rollback"
    case = Case(item=ITEM, subject=subject_of(workload.name, None, step), replay=replay)
    if changes is None and undoing is not None:
        changes = _different(undoing.before, undoing.complete) != ""
    if not changes:
        return case.not_applicable("its undisturbed run changes no state of the services in `snapshot`")
    if workload.rollback is None:
        return case.unproven(
            "it changes state and declares no rollback",
            "declare `rollback`, the command that undoes it, and `snapshot`; where there is no change to take back, as "
            "with a server that stores what it is asked to, a waiver says so",
        )
    if undoing is None or not undoing.fired:
        return case.unproven("the change was not broken off at this step", "let the workload reach it")
    return _judge_undone(case, undoing)


def _judge_undone(case: Case, undoing: Undoing) -> Evidence:
    if undoing.rollback.exit_code != 0:
        return case.failed(
            f"the rollback ended {_ending(undoing.rollback)}",
            "let it succeed from every step, also where nothing was done yet, and without the service that failed",
        )
    kept = _kept(undoing)
    if told := _different(undoing.before, _without(undoing.undone, kept)):
        if undoing.undone == undoing.changed:
            return case.failed(
                f"the rollback changed nothing: {told}", "write what undoes it: an empty downgrade does not"
            )
        return case.failed(f"after the rollback {told}", _fix_of(told))
    if undoing.second.exit_code != 0 or (told := _different(undoing.undone, undoing.undone_twice)):
        what = told if undoing.second.exit_code == 0 else f"it ended {_ending(undoing.second)}"
        return case.failed(
            f"run a second time the rollback does harm: {what}", "let it look first what is there to undo"
        )
    if undoing.forward is not None and (
        told := _different(_in_order(undoing.complete), _in_order(_without(undoing.forward, kept)))
    ):
        return case.failed(
            f"made again after the rollback, the change ends otherwise: {told}", "undo it completely"
        )
    untried = () if undoing.forward is not None else ("whether forward works again was not tried",)
    return case.passed(*untried, *_emptied(undoing), *_told_of_kept(kept), *_told_of_open(undoing))


def _kept(undoing: Undoing) -> Kept:
    """Return the new versions that nobody is sent to after the rollback, where the change sends somebody elsewhere.

    A registry is as before where its aliases and stages are (design): who goes back to the earlier version may keep
    the other one. A change that does no more than to register versions is undone by taking them away.
    """
    return {
        service: unused(state) - versions_of(before)
        for service, state in undoing.undone.items()
        if isinstance(state, RegistryState)
        and isinstance(before := undoing.before.get(service), RegistryState)
        and isinstance(complete := undoing.complete.get(service), RegistryState)
        and versions_of(complete) - versions_of(before) - unused(complete)
    }


def _without(states: States, kept: Kept) -> States:
    """Return states without those versions, unless one is in use there."""
    return {
        name: state.without(kept[name] & unused(state))
        if name in kept and isinstance(state, RegistryState)
        else state
        for name, state in states.items()
    }


def _told_of_kept(kept: Kept) -> Iterator[str]:
    names = sorted(f"version {version} of {model}" for found in kept.values() for model, version in found)
    if names:
        yield f"{', '.join(names[:TOLD])} stays registered after the rollback, with no alias and out of use"


def _told_of_open(undoing: Undoing) -> Iterator[str]:
    for service, state in undoing.undone.items():
        before = undoing.before.get(service)
        for kind, number in state.runs.items() if isinstance(state, RegistryState) else ():
            expected = before.runs.get(kind, 0) if isinstance(before, RegistryState) else 0
            if kind.endswith(": RUNNING") and number > expected:
                yield f"a run of {kind.partition(':')[0]} is left RUNNING after the rollback: end it by set_terminated"


def _emptied(undoing: Undoing) -> Iterator[str]:
    """Yield a warning where a rollback that deletes all rows looks like one that takes back the change's own."""
    tables = [
        name
        for service, before in undoing.before.items()
        if isinstance(before, PostgresState)
        and isinstance(after := undoing.complete.get(service), PostgresState)
        for name, table in before.tables.items()
        if table.count == 0 and name in after.tables and after.tables[name].count > 0
    ]
    if tables:
        more = f" and {len(tables) - TOLD} more" if len(tables) > TOLD else ""
        names = f"{', '.join(tables[:TOLD])}{more} {'was' if len(tables) == 1 else 'were'}"
        yield (
            f"{names} empty before the change, so a rollback that deletes all rows passes as well; to tell them apart, "
            "let `init` of the service put rows there that the change does not write"
        )


_SERVES = re.compile(r"\bmodel [^;]+?: (?:alias|version) ")


def _fix_of(told: str) -> str:
    """Return what to do about what serves, about rows that are left over, or gone; else about the rest."""
    if _SERVES.search(told):
        return (
            "let the version serve that served before the change, and no other: move aliases back, and take versions "
            "that the change made out of aliases and stages"
        )
    if "lost" in told:
        return "take back what the change wrote, and nothing else: rows are gone that were there before it"
    if "not expected" in told or "doubled" in told:
        return "take back everything that the change wrote, from every step: some of it is left"
    return "restore data and aliases too, not the schema alone"


def _in_order(states: States) -> States:
    """Return states in which versions of models have the numbers of their order: one that was deleted leaves a gap."""
    return {
        name: renumbered(state) if isinstance(state, RegistryState) else state
        for name, state in states.items()
    }


def _different(expected: States, seen: States) -> str:
    told = (f"{name}: {words}" for name in expected if (words := in_words(expected[name], seen.get(name))))
    return "; ".join(told)


def _ending(process: ProcessRecord) -> str:
    if process.exit_code is None:
        return "by not ending"
    said = last_said(process.stderr)
    return f"with status {process.exit_code}" + (f" ({said[:200]})" if said else "")
