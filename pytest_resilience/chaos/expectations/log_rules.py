"""Rules that raise alerts from log lines elsewhere, evaluated on the lines of a run."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_resilience.chaos.configuration.model import AlertRule
from pytest_resilience.chaos.expectations.log_levels import level_in, level_number
from pytest_resilience.chaos.run.record import LogLine


def fired(rule: AlertRule, lines: Sequence[LogLine]) -> float | None:
    """Return when a rule first had enough lines that count, close enough together, in seconds; none where never."""
    least = level_number(rule.level) if rule.level else 0
    times = [
        line.at
        for line in lines
        if level_in(line) >= least and (rule.matches is None or re.search(rule.matches, line.text))
    ]
    return next(
        (
            last
            for first, last in zip(times, times[rule.count - 1 :], strict=False)
            if rule.within is None or last - first <= rule.within
        ),
        None,
    )
