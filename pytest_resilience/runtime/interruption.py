"""End what runs past its time: one thread watches every deadline of the process and interrupts whoever is late.

Python code is interrupted as Ctrl-C would do it: the main thread by a signal, which also ends a blocking `sleep` or
`recv`; another thread by an exception that CPython raises at its next step. Code that blocks inside a C library,
such as libpq, cannot be interrupted: it is reported as abandoned, and its caller learns of the deadline when the
call returns.

A run that ends in time costs an insertion into a dictionary and a removal. Whoever removes the entry, the run itself
or the watcher, decides whether the run was late; that is why no interrupt reaches code outside its run.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
from types import FrameType
from typing import Any

from pytest_resilience.clock import SystemClock

GRACE = 0.05
"""Seconds that an interrupted run has to end before it is reported as abandoned."""

_CLOCK = SystemClock()
"""Our own, so that no virtual time reaches the watcher."""

_SIGNAL = getattr(signal, "SIGURG", None)
"""Ignored by default, so that a stray one, say after somebody else took the handler away, harms nobody."""

LATE = object()
"""What is found in the place of a run that the watcher has taken out."""

RUNS: dict[Run, None] = {}
"""Every run that is watched."""


class Interrupt(BaseException):
    """Raised inside a run that is late; `run` says which one, and it never leaves that run."""

    run: Run


class Run:
    """A stretch of code in one thread that must end at a given time; deadlines are runs."""

    at: float
    """When it must have ended, on the system's monotonic clock."""
    report_at: float = 0.0
    """When it is reported as abandoned, after it was interrupted."""
    thread: int = 0
    enclosed: bool = True
    """The code stands between `try` and `except Interrupt`, which catches also what comes at its very end; without
    that only the main thread is interrupted."""
    interrupted: bool = False
    left: bool = False
    reported: bool = False

    def abandoned(self, thread: str) -> None:
        """Hear that the code went on for `GRACE` after the interrupt."""


def enter(run: Run) -> None:
    """Begin to watch a run of the calling thread."""
    RUNS[run] = None
    if run.at < WATCHER.wakes_at or not WATCHER.ready:
        WATCHER.notice(run)


def leave(run: Run) -> bool:
    """End the watch over a run; return whether it was late. No interrupt comes after that."""
    return RUNS.pop(run, LATE) is LATE and take_interrupt(run)


def take_interrupt(run: Run) -> bool:
    """Let the interrupt of a late run come to nothing if it has not come yet; return True."""
    run.left = True
    with WATCHER.lock:  # held while an interrupt is sent, so from here on it has been
        pass
    _take_pending()
    return True


def _take_pending() -> None:
    """Do nothing; CPython raises a pending asynchronous exception where a Python function begins."""


class _Watcher:
    """The thread that wakes when the next run is late; it ends when there is none, and is started anew.

    Its locks are plain ones: an interrupt inside the Python code of an `Event` would leave it locked for ever.
    """

    def __init__(self) -> None:
        self.ready = _SIGNAL is None
        self._previous_handler: Any = None
        self.reset()

    def reset(self) -> None:
        """Begin anew, in a process without any other thread."""
        for run in RUNS.copy():
            if run.thread != threading.get_ident():
                del RUNS[run]
        self.wakes_at = math.inf
        self.lock = threading.Lock()
        self._news = threading.Lock()
        self._news.acquire()
        self._late: tuple[Run, ...] = ()
        self._thread: threading.Thread | None = None

    def notice(self, run: Run) -> None:
        """Wake for a run that is due before all others; at the first of the main thread, take the signal."""
        if not self.ready and run.thread == threading.main_thread().ident:
            self.ready = True
            with contextlib.suppress(ValueError):  # a sub-interpreter gets no signals, and so no interrupts
                self._previous_handler = signal.signal(_SIGNAL, self._on_signal)  # type: ignore[arg-type]
        with self.lock:
            if self._thread is None or not self._thread.is_alive():  # a listener may have ended it
                thread = threading.Thread(target=self._watch, name="resilience-deadlines", daemon=True)
                thread.start()
                self._thread = thread
            if self._news.locked():
                self._news.release()

    def _watch(self) -> None:
        while True:
            with self.lock:
                self.wakes_at = math.inf  # first, so that no run that begins from here on is overlooked
                now = _CLOCK.monotonic()
                in_vain = self._interrupt_late(now)
                self.wakes_at = self._next_step()
                if self.wakes_at == math.inf:
                    self._thread = None
                nap = self.wakes_at - now
            for run in in_vain:
                run.abandoned(_thread_name(run.thread))
            if nap == math.inf:
                return
            _CLOCK.wait(self._news, nap)

    def _interrupt_late(self, now: float) -> list[Run]:
        """Interrupt whoever is late by now; return whom that did not help."""
        waiting = [run for run in self._late if not run.left]
        in_vain = [run for run in waiting if run.report_at <= now and not run.reported]
        claimed = [run for run in RUNS.copy() if run.at <= now and RUNS.pop(run, LATE) is None]
        self._late = (*waiting, *claimed)
        for run in claimed:
            run.report_at = now + GRACE
            if run.enclosed and run.thread != threading.main_thread().ident:
                _raise_in_thread(run)
        for run in in_vain:
            run.reported = True
        if any(run.thread == threading.main_thread().ident for run in (*claimed, *in_vain)):
            self._send_signal()
        return in_vain

    def _next_step(self) -> float:
        steps = [run.at for run in RUNS.copy()]
        steps += [run.report_at for run in self._late if not run.reported]
        return min(steps, default=math.inf)

    def _send_signal(self) -> None:
        if _SIGNAL is not None and self.ready:
            signal.pthread_kill(threading.main_thread().ident or 0, _SIGNAL)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Raise in the main thread, for the outermost run that is late; never inside this module's own code."""
        mine = threading.get_ident()
        late = [run for run in self._late if run.thread == mine and not run.left and not run.interrupted]
        if not late:
            if callable(self._previous_handler):
                self._previous_handler(number, frame)
        elif not _is_ours(frame):
            late[0].interrupted = True
            interrupt = Interrupt()
            interrupt.run = late[0]
            raise interrupt


def _is_ours(frame: FrameType | None) -> bool:
    """Return whether a frame belongs to the deadlines' own code, or was called by it."""
    for _ in range(_DEPTH):
        if frame is None:
            return False
        if frame.f_code in UNINTERRUPTED:
            return True
        frame = frame.f_back
    return False


def _raise_in_thread(run: Run) -> None:
    """Have CPython raise in another thread, at its next step; other interpreters have no such thing."""
    import ctypes  # noqa: PLC0415 - 5 ms, only for a late run outside the main thread

    python = getattr(ctypes, "pythonapi", None)
    if python is not None:
        kind = type("Interrupt", (Interrupt,), {"run": run})
        python.PyThreadState_SetAsyncExc(ctypes.c_ulong(run.thread), ctypes.py_object(kind))


def _thread_name(ident: int) -> str:
    return next((thread.name for thread in threading.enumerate() if thread.ident == ident), str(ident))


WATCHER = _Watcher()
_DEPTH = 8
UNINTERRUPTED = {enter.__code__, leave.__code__, take_interrupt.__code__, _Watcher.notice.__code__}
"""Code in which the main thread is not interrupted; the with-statements of deadlines add their own."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=WATCHER.reset)
