"""One start of a workload, to its end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from pytest_resilience.chaos.run.record import LogLine, ProcessRecord
from pytest_resilience.chaos.workload import log_lines
from pytest_resilience.chaos.workload.supervised import Charge, Launcher, Supervised
from pytest_resilience.chaos.workload.tail import Follower, Tail

Stream: TypeAlias = Literal["stdout", "stderr"]
STREAMS: Mapping[str, Stream] = {"stdout": "stdout", "stderr": "stderr"}
KILLING = 10.0
"""Seconds that the kernel has to end what was killed; it takes milliseconds."""


class Episode:
    """A process that runs, or has run.

    Args:
        name: the workload's name, for messages.
        charge: what is started.
        launcher: how it is started.
        log: where its log lines are: the file, or the stream.
        began: the moment of CLOCK_MONOTONIC from which records count.
    """

    def __init__(
        self, *, name: str, charge: Charge, launcher: Launcher, log: Path | Stream, began: float
    ) -> None:
        self._name = name
        self._zero = began
        self._out, self._err = Tail(charge.stdout), Tail(charge.stderr)
        streams = {"stdout": self._out, "stderr": self._err}
        self._log = streams[log] if isinstance(log, str) else Tail(log, start=_size(log))
        self._process = Supervised(charge, launcher)
        self._follower = Follower(*{self._out, self._err, self._log})
        self._killed = self._blocked = self._told_to_end = False

    @property
    def runs(self) -> bool:
        """Whether the main process is alive."""
        return not self._process.wait(0)

    @property
    def exit_code(self) -> int | None:
        """Its status; none while it runs."""
        return self._process.exit_code

    @property
    def ended_by_itself(self) -> bool:
        """Whether it has ended, and nobody told it to."""
        return self.exit_code is not None and not self._told_to_end

    def wait(self, timeout: float | None) -> int:
        """Wait for its end, and read what it wrote to the last byte."""
        if not self._process.wait(timeout):
            raise TimeoutError(f"workload {self._name!r} runs still after {timeout:g} s")
        self._follower.catch_up()
        return self._process.exit_code if self._process.exit_code is not None else -1

    def kill(self) -> None:
        """Kill it with its children, and wait until that is done."""
        self._killed = self._killed or self.runs
        self._told_to_end = self._told_to_end or self.runs
        self._process.kill()
        self._process.wait(KILLING)

    def give_up(self) -> None:
        """Kill it because its time is over."""
        self._blocked = self._told_to_end = self.runs
        self._process.kill()
        self._process.wait(KILLING)

    def pause(self) -> None:
        """Stop it with its children."""
        self._process.pause()

    def unpause(self) -> None:
        """Let it go on."""
        self._process.unpause()

    def terminate(self, grace: float) -> int | None:
        """Ask it to end, and kill it after the grace."""
        self._told_to_end = self._told_to_end or self.runs
        self._process.terminate()
        if not self._process.wait(grace):
            self._process.kill()
            self._process.wait(KILLING)
        self._follower.catch_up()
        return self.exit_code

    def last_words(self, lines: int = 15) -> str:
        """Return the last lines of its standard error, indented."""
        return "\n".join(f"    {line}" for line in self.stderr.splitlines()[-lines:]) or "    (nothing)"

    def close(self) -> None:
        """End all of it; what was seen stays."""
        self._process.close()
        self._follower.stop()

    def pids(self) -> tuple[int, ...]:
        """Return its live processes."""
        return self._process.pids()

    @property
    def stdout(self) -> str:
        """What it wrote to standard output."""
        self._follower.catch_up()
        return self._out.text

    @property
    def stderr(self) -> str:
        """What it wrote to standard error."""
        self._follower.catch_up()
        return self._err.text

    @property
    def logs(self) -> list[LogLine]:
        """The lines of its log."""
        self._follower.catch_up()
        return [log_lines.parse(text, at=self._since(at)) for at, text in list(self._log.lines)]

    @property
    def record(self) -> ProcessRecord:
        """What a run's record keeps of it."""
        ended = self._process.ended
        return ProcessRecord(
            began=self._since(self._process.began),
            ended=None if ended is None or self._blocked or self.exit_code is None else self._since(ended),
            exit_code=self.exit_code,
            stdout=self.stdout,
            stderr=self.stderr,
            killed=self._killed,
            blocked=self._blocked,
            told_to_end=self._told_to_end,
        )

    def _since(self, moment: float) -> float:
        return max(0.0, moment - self._zero)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
