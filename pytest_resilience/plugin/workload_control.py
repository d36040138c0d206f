"""The `workload` fixture's object: a declared workload in a test's own sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_resilience.chaos.configuration.model import Configuration
from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.run.record import CallRecord, ProcessRecord
from pytest_resilience.chaos.sandbox import Sandbox
from pytest_resilience.chaos.workload.control import Tweaks
from pytest_resilience.chaos.workload.workload import Workload
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.run_folder import RunFolder


class UnknownWorkloadError(HarnessError):
    """Say that a test asked for a workload that nobody declared."""


class WorkloadControl:
    """A declared workload: started, disturbed and started again by the test; nothing restarts by itself.

    Args:
        name: its declared name.
        sandbox: the test's own.
        configuration: what is declared.
        run: the test run's folder.
    """

    def __init__(self, name: str, sandbox: Sandbox, configuration: Configuration, run: RunFolder) -> None:
        if name not in configuration.workloads:
            raise UnknownWorkloadError(
                f"there is no workload {name!r}; {nearest(name, configuration.workloads)}; "
                "workloads are declared in [tool.resilience.workloads.NAME], in resilience.toml [workloads.NAME]"
            )
        self.name = name
        self._workload = Workload(
            configuration.workloads[name],
            folder=sandbox.folder,
            environment=sandbox.environment(),
            run=run,
            logs=configuration.logs,
            tweaks=Tweaks(time_scale=configuration.time_scale),
        )

    def start(self) -> None:
        """Start it.

        Raises:
            HarnessError: it could not be started, or was started before.
        """
        self._workload.start()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its status, 128 + N after signal N.

        Raises:
            TimeoutError: it runs still after so many seconds.
        """
        return self._workload.wait(timeout)

    def kill(self) -> None:
        """Kill it with all its children (SIGKILL)."""
        self._workload.kill()

    def terminate(self) -> int | None:
        """Ask it to end (SIGTERM), and return its status."""
        return self._workload.terminate()

    def pause(self) -> None:
        """Stop it with all its children (SIGSTOP)."""
        self._workload.pause()

    def unpause(self) -> None:
        """Let it go on (SIGCONT)."""
        self._workload.unpause()

    def resume(self) -> None:
        """Start the same command again, as `resume` in its declaration says.

        Raises:
            HarnessError: it still runs, is never started again, or was so three times.
        """
        self._workload.resume()

    @property
    def exit_code(self) -> int | None:
        """The status of the last start; none while it runs."""
        return self._workload.exit_code

    @property
    def output(self) -> str:
        """What it wrote, standard output before standard error."""
        return self._workload.output

    @property
    def logs(self) -> Sequence[Mapping[str, Any]]:
        """The records that it logged, parsed (JSON and logfmt)."""
        return [line.record for line in self._workload.logs if line.record is not None]

    @property
    def calls(self) -> Sequence[CallRecord]:
        """What each call of a function, or each request to a server, came to."""
        return self._workload.calls

    @property
    def processes(self) -> Sequence[ProcessRecord]:
        """Each start of it."""
        return self._workload.processes

    @property
    def port(self) -> int:
        """The port that stands for `{port}`."""
        return self._workload.placeholders.port

    def close(self) -> None:
        """End all of it; safe to call twice."""
        self._workload.close()
