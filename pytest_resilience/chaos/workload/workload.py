"""One declared workload in one run: started, disturbed, started again, and all that was seen of it."""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.run.record import CallRecord, LogLine, ProcessRecord
from pytest_resilience.chaos.workload.call_log import read_calls
from pytest_resilience.chaos.workload.control import Control, Tweaks
from pytest_resilience.chaos.workload.episode import STREAMS, Episode
from pytest_resilience.chaos.workload.preparation import Preparation
from pytest_resilience.chaos.workload.serving import Serving
from pytest_resilience.chaos.workload.starter import Starter
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.run_folder import RunFolder

GRACE = 5.0
"""Seconds from SIGTERM to SIGKILL."""
NO_TWEAKS = Tweaks()


class WorkloadUseError(HarnessError):
    """Say that a workload was asked for what it cannot do in its state."""


class Workload:
    """A workload as the declaration says, with everything that happens to it in one run.

    Args:
        declaration: how it is started.
        folder: its working folder.
        environment: all of its environment.
        run: the run whose end ends it; its output is kept below that folder.
        logs: `stderr`, `stdout`, or the file, relative to `folder`, where its log lines are.
        began: the moment of CLOCK_MONOTONIC from which records count; default: now.
        tweaks: what is changed inside it.
        preparation: what makes its starts quick; used where its declaration has `start = "prepared"`.
        rests: a function's process stays when its calls are done, until `end_rest()`.
    """

    def __init__(
        self,
        declaration: WorkloadDeclaration,
        *,
        folder: Path,
        environment: Mapping[str, str],
        run: RunFolder,
        logs: str = "stderr",
        began: float | None = None,
        tweaks: Tweaks = NO_TWEAKS,
        preparation: Preparation | None = None,
        rests: bool = False,
    ) -> None:
        self.declaration = declaration
        self.rests = rests
        self.folder = folder
        self.environment = dict(environment)
        self.began = time.monotonic() if began is None else began
        self._starter = Starter(
            declaration,
            folder=folder,
            environment=self.environment,
            run=run,
            private=Path(tempfile.mkdtemp(prefix="w", dir=run.folder("workloads"))),
            log=STREAMS.get(logs, folder / logs),
            zero=self.began,
            tweaks=tweaks,
            preparation=preparation if declaration.start == "prepared" else None,
            kill=self.kill,
        )
        self._starter.rests = rests
        self.placeholders = self._starter.placeholders
        self._episodes: list[Episode] = []
        self._starting = threading.Lock()
        self._serving: list[Serving] = []

    def __enter__(self) -> Self:
        """Return it; it is not started yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start it the first time.

        Raises:
            WorkloadStartError: it could not be started, or a server was not ready within its deadline.
            WorkloadUseError: it was started before.
        """
        if self._episodes:
            raise WorkloadUseError(f"workload {self.declaration.name!r} was started before; use resume()")
        self._begin()

    def resume(self) -> None:
        """Start the same command again, as `resume` in its declaration says.

        Raises:
            WorkloadUseError: it was never started, still runs, has `resume = "none"` or was resumed three times.
        """
        name, allowed = self.declaration.name, self.declaration.restarts
        if not self._episodes:
            raise WorkloadUseError(f"workload {name!r} was not started yet; use start()")
        if self._current.runs:
            raise WorkloadUseError(
                f"workload {name!r} still runs; kill it or wait for its end, then resume it"
            )
        if allowed == 0:
            raise WorkloadUseError(f'workload {name!r} has resume = "none", so it is never started again')
        if len(self._episodes) > allowed:
            raise WorkloadUseError(f"workload {name!r} was started again {allowed} times, which is the most")
        self._begin()

    def _begin(self) -> None:
        if self._episodes:
            self._end_episode()
        with self._starting:
            self._episodes.append(self._starter.begin(len(self._episodes) + 1))
        if self.declaration.shape == "server":
            port = self.placeholders.port
            self._serving.append(Serving(self.declaration, port, self.folder, zero=self.began))
            self._serving[-1].wait_until_ready(self._current)

    def _end_episode(self) -> None:
        for serving in self._serving[-1:]:
            serving.stop()
        self._current.close()
        for serving in self._serving[-1:]:
            serving.close()

    @property
    def _current(self) -> Episode:
        if not self._episodes:
            raise WorkloadUseError(f"workload {self.declaration.name!r} was not started yet; use start()")
        return self._episodes[-1]

    @property
    def _started(self) -> Episode:
        """The current one, for faults: its first messages may come while its start is still being noted."""
        with self._starting:
            return self._current

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of its main process; return its status, 128 + N after signal N.

        Raises:
            TimeoutError: it runs still after `timeout` seconds.
        """
        return self._current.wait(timeout)

    def kill(self) -> None:
        """Kill it with all its children (SIGKILL)."""
        self._started.kill()

    def give_up(self) -> None:
        """Kill it because it had not ended at its deadline."""
        self._current.give_up()

    def pause(self) -> None:
        """Stop it with all its children (SIGSTOP)."""
        self._started.pause()

    def unpause(self) -> None:
        """Let it go on (SIGCONT)."""
        self._current.unpause()

    def settle(self, given_up: Callable[[], bool]) -> None:
        """Send a server no more requests, and wait for the answers to those on their way, each for its deadline."""
        for serving in self._serving[-1:]:
            serving.settle(given_up)

    def terminate(self, grace: float = GRACE) -> int | None:
        """Ask it to end (SIGTERM), and kill it after `grace` seconds; return its status.

        A server is sent no more requests before; those on their way may be answered.
        """
        for serving in self._serving[-1:]:
            serving.stop()
        return self._current.terminate(grace)

    def close(self) -> None:
        """End all of it; safe to call twice, and what was seen stays."""
        if self._episodes:
            self._end_episode()
        self._starter.close()

    @property
    def inside(self) -> Control:
        """What is changed inside it: orders at any time, and receipts.

        Raises:
            WorkloadUseError: it was made without tweaks.
        """
        if self._starter.control is None:
            raise WorkloadUseError(f"workload {self.declaration.name!r} was made without tweaks")
        return self._starter.control

    @property
    def tweaked(self) -> bool | None:
        """Whether the changes inside took effect; none while that is not known, or where none are wanted."""
        return self._starter.tweaked(runs=self.runs)

    @property
    def untweaked_reason(self) -> str | None:
        """Why the changes inside took no effect; none where they did, or none were wanted."""
        return self._starter.untweaked_reason(runs=self.runs)

    @property
    def prepared(self) -> list[bool]:
        """Of each start, whether it was a fork of a prepared process."""
        return self._starter.prepared

    @property
    def runs(self) -> bool:
        """Whether its main process is alive."""
        return bool(self._episodes) and self._current.runs

    @property
    def is_resting(self) -> bool:
        """Whether a function's process stays although its calls are done."""
        return self.runs and self._starter.resting(len(self._episodes)).exists()

    def end_rest(self) -> None:
        """Let a function's process go."""
        self._starter.resting(len(self._episodes)).unlink(missing_ok=True)

    @property
    def exit_code(self) -> int | None:
        """The last start's status; none while it runs."""
        return self._episodes[-1].exit_code if self._episodes else None

    @property
    def stdout(self) -> str:
        """What all starts wrote to standard output."""
        return "".join(episode.stdout for episode in self._episodes)

    @property
    def stderr(self) -> str:
        """What all starts wrote to standard error."""
        return "".join(episode.stderr for episode in self._episodes)

    @property
    def output(self) -> str:
        """What it wrote to standard output, then what it wrote to standard error."""
        return self.stdout + self.stderr

    @property
    def logs(self) -> list[LogLine]:
        """The lines of its log, in order."""
        return list(itertools.chain.from_iterable(episode.logs for episode in self._episodes))

    @property
    def processes(self) -> list[ProcessRecord]:
        """Each start."""
        return [episode.record for episode in self._episodes]

    @property
    def calls(self) -> list[CallRecord]:
        """Each call of the function, or request to the server, numbered through all starts."""
        if self.declaration.shape == "server":
            parts = [serving.calls for serving in self._serving]
        else:
            logs = map(self._starter.call_log, range(1, len(self._episodes) + 1))
            parts = [read_calls(path, zero=self.began) for path in logs]
        calls = itertools.chain.from_iterable(parts)
        return [replace(call, number=number) for number, call in enumerate(calls, 1)]

    @property
    def ended_by_itself(self) -> bool:
        """Whether the main process of the last start ended although nobody told it to: of a server, a failure."""
        return bool(self._episodes) and self._current.ended_by_itself

    def pids(self) -> tuple[int, ...]:
        """Return all its live processes."""
        return self._episodes[-1].pids() if self._episodes else ()

    def leftovers(self) -> tuple[int, ...]:
        """Return the processes of it that are alive although its main process has ended."""
        return () if self.runs else self.pids()
