"""Drills: the tagged steps of a runbook, run after its service was lost, and whether the workload works again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pytest_resilience.chaos.configuration.model import Configuration, WorkloadDeclaration
from pytest_resilience.chaos.explore.oracle import broken_promises
from pytest_resilience.chaos.laboratory.clean import CleanRun
from pytest_resilience.chaos.laboratory.laboratory import Laboratory
from pytest_resilience.chaos.laboratory.trial import Trial
from pytest_resilience.chaos.run.record import RunRecord
from pytest_resilience.chaos.scenario.model import FaultOrder, When
from pytest_resilience.chaos.workload.workload import Workload
from pytest_resilience.checklist.experiments.experiment import ExperimentResult
from pytest_resilience.checklist.experiments.working import working
from pytest_resilience.checklist.judges.runbooks import Drilled
from pytest_resilience.checklist.records.runbooks import Runbook, path_of_steps, read_runbooks
from pytest_resilience.checklist.replay import replay_of

STEP_DEADLINE = 120.0
"""Seconds that one step may take."""
LAST_WORDS = 3


@dataclass(frozen=True, slots=True)
class DrillOfRunbook:
    """One runbook drilled.

    Args:
        laboratory: where runs are made.
        clean: the workload that loses the service, undisturbed.
        service: which one is lost.
        runbook: whose steps are run.
    """

    laboratory: Laboratory
    clean: CleanRun
    service: str
    runbook: Runbook

    @property
    def id(self) -> str:
        """The item, the workload, the service and the file."""
        return f"runbooks::{self.clean.workload.name}::{self.service}::{self.runbook.path.stem}"

    def run(self) -> ExperimentResult:
        """Lose the service under the workload, bring it back, run the steps, and let the workload run again."""
        name = self.clean.workload.name
        lost = FaultOrder(on=self.service, when=When(start=True), kind="down")
        plan = replace(self.laboratory.plan(name, [lost]), most_starts=1)
        with self.laboratory.trial(plan, self.id) as trial:
            why = self._why_not_restored(trial)
            record = trial.record
        return self._result(why, record)

    def _result(self, why: str | None, record: RunRecord) -> ExperimentResult:
        told = f"{self.runbook.path.name}: {why}" if why else ""
        replay = replay_of(self.id)
        return ExperimentResult(
            outcome="failed" if why else "passed",
            why=told,
            record=record,
            drilled=Drilled(path=self.runbook.path, restored=not why, why=why or "", replay=replay),
        )

    def _why_not_restored(self, trial: Trial) -> str | None:
        for drill in self.runbook.drills:
            step = self._declared("bash", "-e", "-o", "pipefail", "-c", drill.script)
            if (why := self._why_failed(trial, step)) is not None:
                return f"the step in line {drill.line} {why}"
        again = replace(self.clean.workload, resume="none", start="plain", calls=1, every=0.0)
        why = self._why_failed(trial, again)
        name = self.clean.workload.name
        if why is not None:
            return f"after its steps the workload {name} {why}"
        if self.clean.workload.shape != "job":
            return None  # a job that ran to its end owes each key once
        broken = "; ".join(broken_promises(trial.look, self.clean, self.laboratory.configuration.folder))
        return f"after its steps, and another run of {name}, {broken}" if broken else None

    def _declared(self, *command: str) -> WorkloadDeclaration:
        """Return a step as something that can be started; what looks like a placeholder in it is none."""
        words = tuple(word.replace("{", "{{").replace("}", "}}") for word in command)
        return WorkloadDeclaration(
            name="drill",
            shape="job",
            command=words,
            env=self.clean.workload.env,
            deadline=STEP_DEADLINE,
        )

    def _why_failed(self, trial: Trial, declaration: WorkloadDeclaration) -> str | None:
        environment = trial.sandbox.environment()
        environment["PATH"] = path_of_steps(environment.get("PATH"))
        with Workload(
            declaration,
            folder=trial.sandbox.folder,
            environment=environment,
            run=self.laboratory.folder,
            logs="stderr",
        ) as workload:
            workload.start()
            if declaration.shape == "server":
                return None if workload.runs else "ended at its start"
            try:
                status = workload.wait(declaration.deadline)
            except TimeoutError:
                return f"had not ended after {declaration.deadline:g} s"
            if status == 0:
                return None
            words = [line.strip() for line in workload.output.splitlines() if line.strip()][-LAST_WORDS:]
            return f"ended with status {status}: {' / '.join(words)[:300]}"


def drills_of_runbooks(laboratory: Laboratory) -> Iterator[DrillOfRunbook]:
    """Yield a drill of each runbook that has one, where drills are switched on."""
    configuration = laboratory.configuration
    if not configuration.drills or configuration.why_no_drills:
        return
    if configuration.runbooks is None or not configuration.runbooks.is_dir():
        return
    workloads = list(working(laboratory))
    for runbook in read_runbooks(configuration.runbooks):
        place = _place(runbook, configuration, workloads) if runbook.drills else None
        if place is not None:
            yield DrillOfRunbook(laboratory, place[0], place[1], runbook)


def _place(
    runbook: Runbook, configuration: Configuration, workloads: list[CleanRun]
) -> tuple[CleanRun, str] | None:
    """Return the workload and the service that a runbook is for: one that it covers, else the first that there is."""
    covered = {cover.rpartition("/")[2] for cover in runbook.covers}
    pairs = [(clean, service) for clean in workloads for service in clean.workload.uses]
    for clean, service in pairs:
        if {service, configuration.services[service].component} & covered:
            return clean, service
    return pairs[0] if pairs else None
