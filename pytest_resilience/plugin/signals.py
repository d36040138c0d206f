"""Signals that end a run: SIGTERM leaves a report, as Ctrl-C does, and the next Ctrl-C ends it at once."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from functools import partial

import pytest

from pytest_resilience.clock import SYSTEM_CLOCK

SAME_SIGNAL = 1.0
"""Seconds within which a signal that comes again is the same request, not an impatient one."""
AT_ONCE = "resilience: ended at once; what was started is ended in the background"


def end_with_a_report(config: pytest.Config) -> None:
    """Let SIGTERM, which a pipeline sends when its time is over, end the run as Ctrl-C does: with a report.

    Who sends it to the process and to its group as well (`timeout` does) asks once.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return  # somebody else has plans for it

    asked_at: list[float] = []

    def end(_number: int, _frame: object) -> None:
        asked_at.append(SYSTEM_CLOCK.monotonic())
        if len(asked_at) == 1:
            raise KeyboardInterrupt("SIGTERM")
        if asked_at[-1] - asked_at[0] > SAME_SIGNAL:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    config.add_cleanup(partial(signal.signal, signal.SIGTERM, signal.SIG_DFL))  # type: ignore[arg-type]


def end_at_the_next_interrupt(config: pytest.Config) -> None:
    """Let Ctrl-C end the process at once: it is ending already, and would answer with a traceback of its own end.

    What it has started has guardians, which see that it is gone.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    first_at = SYSTEM_CLOCK.monotonic()

    def end(_number: int, _frame: object) -> None:
        if SYSTEM_CLOCK.monotonic() - first_at <= SAME_SIGNAL:
            return
        with suppress(OSError):
            os.write(2, f"\n{AT_ONCE}\n".encode())
        os._exit(pytest.ExitCode.INTERRUPTED)

    before = signal.signal(signal.SIGINT, end)
    config.add_cleanup(partial(signal.signal, signal.SIGINT, before))  # type: ignore[arg-type]
