"""How a workload is started: its command, its environment, plainly or prepared, changed inside or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.workload.control import Control, Tweaks, why_not
from pytest_resilience.chaos.workload.episode import Episode, Stream
from pytest_resilience.chaos.workload.placeholders import Placeholders
from pytest_resilience.chaos.workload.preparation import Preparation, program_of
from pytest_resilience.chaos.workload.supervised import Charge, PlainLauncher
from pytest_resilience.services.run_folder import RunFolder

CALL = Path(__file__).with_name("call.py")
_PLAIN = PlainLauncher()


class Starter:
    """What all starts of one workload in one run have in common.

    Args:
        declaration: how it is started.
        folder: its working folder.
        environment: all of its environment.
        run: the run whose end ends it.
        private: a folder that only we can look into.
        log: where its log lines are: the file, or the stream.
        zero: the moment of CLOCK_MONOTONIC from which records count.
        tweaks: what is changed inside it.
        preparation: what makes starts quick; none where they are plain.
        kill: kills the workload.

    Attributes:
        rests: whether a function's process stays when its calls are done, until its file is removed.
    """

    def __init__(
        self,
        declaration: WorkloadDeclaration,
        *,
        folder: Path,
        environment: Mapping[str, str],
        run: RunFolder,
        private: Path,
        log: Path | Stream,
        zero: float,
        tweaks: Tweaks,
        preparation: Preparation | None,
        kill: Callable[[], None],
    ) -> None:
        self.rests = False
        self.placeholders = Placeholders()
        self.prepared: list[bool] = []
        self._declaration = declaration
        self._folder = folder
        self._environment = environment
        self._run = run
        self._private = private
        self._log = log
        self._zero = zero
        self._tweaks = tweaks
        self._preparation = preparation
        wanted = None if preparation is None or preparation.modules is not None else preparation.imports
        self._any_control = self._controlled(kill, wanted) if tweaks.wanted or wanted else None

    def _controlled(self, kill: Callable[[], None], imports: Path | None) -> Control:
        return Control(
            self._tweaks,
            private=self._private,
            folder=self._folder,
            began=self._zero,
            kill=kill,
            imports=imports,
        )

    @property
    def control(self) -> Control | None:
        """What is changed inside it; none where no change is wanted."""
        return self._any_control if self._tweaks.wanted else None

    def begin(self, number: int) -> Episode:
        """Start it the `number`-th time."""
        charge = self._charge(number)
        prepared = None
        if self._preparation is not None:
            prepared = self._preparation.launcher(charge, changed=self._tweaks.wanted)
        self.prepared.append(prepared is not None)
        return Episode(
            name=self._declaration.name,
            charge=charge,
            launcher=prepared or _PLAIN,
            log=self._log,
            began=self._zero,
        )

    def _charge(self, number: int) -> Charge:
        control = self._any_control
        given = {**self._environment, **self._declared_environment()}
        command = self._command(number)
        return Charge(
            command=command,
            program=program_of(command),
            folder=self._folder,
            environment=given if control is None else control.environment(given),
            stdout=self._private / f"stdout-{number}",
            stderr=self._private / f"stderr-{number}",
            run=self._run,
        )

    def _declared_environment(self) -> dict[str, str]:
        return {name: self.placeholders.fill(text) for name, text in self._declaration.env.items()}

    def _command(self, number: int) -> tuple[str, ...]:
        declared = self._declaration
        command = declared.command
        if declared.function is not None:
            pace = ("--calls", str(declared.calls), "--every", str(declared.every))
            record = ("--record", str(self.call_log(number)))
            rest = ("--rest", str(self.resting(number))) if self.rests else ()
            command = ("{python}", str(CALL), declared.function, *pace, *record, *rest)
        return tuple(map(self.placeholders.fill, command))

    def call_log(self, number: int) -> Path:
        """Return the file in which the `number`-th start writes down its calls."""
        return self._private / f"calls-{number}"

    def resting(self, number: int) -> Path:
        """Return the file that is there while the `number`-th start stays although its calls are done."""
        return self._private / f"rest-{number}"

    def tweaked(self, *, runs: bool) -> bool | None:
        """Return whether the changes took effect; none while that is not known, or where none are wanted."""
        if self.control is None or not self.prepared:
            return None
        if self.control.failures:
            return False
        if self.control.hellos:
            return True
        return None if runs else False

    def untweaked_reason(self, *, runs: bool) -> str | None:
        """Return why the changes took no effect; none where they did, or none were wanted."""
        if self.control is None or self.tweaked(runs=runs):
            return None
        return "; ".join(self.control.failures) or why_not(self._command(1))

    def close(self) -> None:
        """Answer no process any more."""
        if self._any_control is not None:
            self._any_control.close()
