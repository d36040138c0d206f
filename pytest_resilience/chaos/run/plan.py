"""What one run is to do: which workload, which faults, and what is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.dead_endpoints import Death
from pytest_resilience.chaos.run.exposure import Exposure
from pytest_resilience.chaos.scenario.model import RECOVERY_BOUND, Check, FaultOrder
from pytest_resilience.chaos.state.held import Held
from pytest_resilience.chaos.workload.control import Decision, FileEvent, Tweaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run as it is meant to go.

    Args:
        workload: what runs.
        faults: what is broken, in the order in which it is armed.
        steady_state: checks that hold before, and again after heal.
        answers: checks that are asked after heal, while a server still serves.
        recovers_within: the workload's seconds from heal to the steady state.
        patience: how many times its deadline a start of the workload is waited for.
        tweaks: what is changed inside a Python workload.
        boundaries: read the services' states at each commit (slows the run down).
        states: read the services' states whenever a process has ended.
        prompt: let a server go as soon as it is steady again, and not only after the recovery bound.
        enough: tells when a server's faults have shown what they can, so that they heal.
        sees_out: go on until `enough` although the faults have healed by themselves.
        settles: wait for a server's last requests although `enough` says when to end.
        rests: tells whether a server that is sent nothing more has done what it put off; it is waited for.
        rests_within: seconds for which that is waited for, the workload's and real ones: no `time_scale` makes a
            database's leases shorter, or a server that is not in Python quicker.
        dead_alerts: what the captured alert endpoints do, from before the first start until all faults heal.
        most_starts: of a job or a function, at most; by default as it declares.
        again: heal everything when the first start has ended, and start the workload once more, undisturbed.
        file_events: asked at each step on a file of its working folder; needs `tweaks` with `control`.
        usual: by database, what the workload held while it was asked nothing, undisturbed; none where that is unknown.
        ended: called after each start has ended, before the next, with its number and the working folder.
    """

    workload: WorkloadDeclaration
    faults: tuple[FaultOrder, ...] = ()
    steady_state: tuple[Check, ...] = ()
    answers: tuple[Check, ...] = ()
    recovers_within: float = RECOVERY_BOUND
    patience: float = 1.0
    tweaks: Tweaks = field(default_factory=Tweaks)
    boundaries: bool = False
    states: bool = False
    prompt: bool = False
    enough: Callable[[Exposure], bool] | None = None
    sees_out: bool = False
    settles: bool = False
    rests: Callable[[Exposure], bool] | None = None
    rests_within: float = RECOVERY_BOUND
    dead_alerts: Death | None = None
    most_starts: int | None = None
    again: bool = False
    file_events: Callable[[FileEvent], Decision] | None = None
    usual: Mapping[str, Held] | None = None
    ended: Callable[[int, Path], None] | None = None

    def tweaked(self, **changes: Any) -> Plan:
        """Return the plan with something else changed inside the workload, by fields of `Tweaks`."""
        return replace(self, tweaks=replace(self.tweaks, **changes))
