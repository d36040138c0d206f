"""A change that is broken off, undone twice, and made again, all in one sandbox."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.run.look import Look
from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.run.record import ProcessRecord, RunRecord
from pytest_resilience.chaos.sandbox import Sandbox
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.state.postgres import PostgresState, read_state
from pytest_resilience.checklist.judges.proof import worked
from pytest_resilience.checklist.judges.rollback import Undoing

OWN = re.compile(r"\bresilience_(?:checkpoints|ingestions|commits)(?:\b|_)")
"""Names of the runtime's own tables, and of what belongs to them."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What was seen.

    Args:
        undoing: the states, and how the rollbacks ended.
        change: the run that was broken off.
        rollback: the first run of the rollback.
        forward: the run that made the change again.
    """

    undoing: Undoing
    change: RunRecord
    rollback: RunRecord
    forward: RunRecord


@dataclass(frozen=True, slots=True)
class Change:
    """A workload that changes state, and how it is undone.

    Args:
        laboratory: where runs are made.
        workload: its name.
    """

    laboratory: Laboratory
    workload: str

    @property
    def clean(self) -> CleanRun:
        """Its clean run."""
        return self.laboratory.clean(self.workload)

    @property
    def snapshot(self) -> tuple[str, ...]:
        """The services that a rollback has to restore: as declared, else all whose state is known."""
        return self.clean.workload.snapshot or tuple(self.clean.record.states)

    def undo(self, step: str, faults: Sequence[FaultOrder], *, still: Sequence[FaultOrder] = ()) -> Undone:
        """Make the change under faults, undo it twice, and make it again.

        Args:
            step: where it is broken off, in words.
            faults: what breaks it off; nothing lets it come to its end.
            still: what is broken while it is undone.

        Raises:
            HarnessError: something of ours did not work.
        """
        clean = self.clean
        services = tuple(dict.fromkeys((*clean.workload.uses, *self.snapshot)))
        with self.laboratory.sandbox(services, f"rollback of {self.workload} after {step}") as sandbox:
            before = self._exact(sandbox)
            change = self._run(sandbox, self._once(clean.workload), faults)
            changed = self._exact(sandbox)
            first = self._run(sandbox, self._back(clean.workload), still)
            undone = self._exact(sandbox)
            second = self._run(sandbox, self._back(clean.workload), still)
            twice = self._exact(sandbox)
            forward = self._run(sandbox, clean.workload, ())
        undoing = Undoing(
            step=step,
            before=before,
            changed=changed,
            undone=undone,
            undone_twice=twice,
            complete=_of(clean.record.states, self.snapshot),
            forward=_of(forward.states, self.snapshot),
            rollback=_ending(first),
            second=_ending(second),
            fired=all(fault.receipts for fault in change.faults),
        )
        return Undone(undoing, change, first, forward)

    def _once(self, declared: WorkloadDeclaration) -> WorkloadDeclaration:
        """Return the workload as nobody starts it again: what was broken off is what is undone."""
        return replace(declared, resume="none")

    def _back(self, declared: WorkloadDeclaration) -> WorkloadDeclaration:
        """Return the declared rollback as a workload."""
        back = declared.rollback
        return WorkloadDeclaration(
            name=declared.name,
            shape="function" if isinstance(back, str) else "job",
            command=() if back is None or isinstance(back, str) else back,
            function=back if isinstance(back, str) else None,
            uses=tuple(dict.fromkeys((*declared.uses, *self.snapshot))),
            env=declared.env,
            deadline=declared.deadline,
            start=declared.start,
        )

    def _run(
        self, sandbox: Sandbox, workload: WorkloadDeclaration, faults: Sequence[FaultOrder]
    ) -> RunRecord:
        plan: Plan = self.laboratory.plan(self.workload, faults, workload=workload, prompt=True)
        return self.laboratory.run_in(sandbox, self.laboratory.masked(plan, self.clean))

    def _exact(self, sandbox: Sandbox) -> dict[str, Any]:
        """Return the states as a rollback has to restore them: with the numbers that sequences have given."""
        mask = (*self.clean.mask, *self.clean.unstable)
        look, found = Look(sandbox), dict[str, Any]()
        for name in self.snapshot:
            handle = sandbox.service(name)
            if isinstance(handle, PostgresHandle):
                found[name] = without_own(read_state(handle.direct_dsn, mask=mask, surrogates=True))
            else:
                found[name] = look.state(name, mask=mask)
        return found


def without_own(state: PostgresState) -> PostgresState:
    """Leave out the runtime's own tables, which it makes when it needs them.

    Positions that a rollback left in them are not overlooked: the change, made again, would begin there.
    """
    return PostgresState(
        schema={name: digest for name, digest in state.schema.items() if not OWN.search(name)},
        tables={name: table for name, table in state.tables.items() if not OWN.search(name)},
    )


def _of(states: Any, names: Collection[str]) -> dict[str, Any]:
    return {name: states[name] for name in names if name in states}


def _ending(record: RunRecord) -> ProcessRecord:
    """Return how a rollback ended; a function that raised has ended with a status too."""
    process = record.processes[-1]
    if process.blocked:
        return replace(process, exit_code=None)
    if worked(record):
        return replace(process, exit_code=0)
    raised = next((call for call in record.calls if call.outcome != "ok"), None)
    if raised is None:
        return process
    return replace(process, exit_code=1, stderr=f"{(raised.error or ('',))[0]}: {raised.message}")
