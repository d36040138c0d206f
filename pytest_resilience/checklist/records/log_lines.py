"""What the log and the standard output of a run say, line by line."""

from __future__ import annotations

from pytest_resilience.chaos.expectations.log_levels import WARNING, level_of, parse_line
from pytest_resilience.chaos.run.record import RunRecord

SAY_WHERE = 'say where the log is: logs = "stdout"'


def unread_errors(run: RunRecord) -> int:
    """Count the records of warnings and errors on standard output that are not in the log, which is read elsewhere."""
    read = {line.text for line in run.logs}
    lines = (line for process in run.processes for line in process.stdout.splitlines() if line not in read)
    return sum(level_of(parse_line(line) or {}) >= WARNING for line in lines)
