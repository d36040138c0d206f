"""Time that runs faster: what is slept and waited is shorter, and all clocks agree with it.

`sleep(1)` takes 1 / scale seconds of the machine, in which every clock of the process goes on by 1 second. Waits for
locks, conditions, events, queues, threads, select and polls, and so asyncio's timers, are scaled where they reach the
interpreter's C code. Time-outs of sockets are not, nor are waits in extension modules (database drivers; `loops` sees
to uvloop).
"""

from __future__ import annotations

import _thread
import datetime as dt
import select
import signal
import time
from collections.abc import Callable
from time import struct_time
from typing import Any

from . import real_time as real
from .replacing import replace_functions, replace_method


class Clocks:
    """The clocks of `time`, from an anchor on `scale` times as fast; the wall clock may be off besides.

    Its functions are handed out as bound methods, which behave as built-in functions do where a class keeps one.
    """

    def __init__(self) -> None:
        self.scale = 1.0
        self._monotonic = self._wall = 0.0
        self._monotonic_ns = self._wall_ns = 0
        self._off: Any = (0.0,)
        self._seen = 0.0
        self._jumped: Callable[[float], Any] = float

    def begin(self, scale: float, monotonic: float, wall: float) -> None:
        """Run `scale` times as fast from a moment on."""
        self.scale, self._monotonic, self._wall = scale, monotonic, wall
        self._monotonic_ns, self._wall_ns = int(monotonic * 1e9), int(wall * 1e9)

    def follow(self, off: Any, jumped: Callable[[float], Any]) -> None:
        """Take from `off[0]` by how much the wall clock is off, and tell when that was first seen."""
        self._off, self._jumped = off, jumped

    def monotonic(self) -> float:
        """time.monotonic."""
        return self._monotonic + (real.monotonic() - self._monotonic) * self.scale

    def monotonic_ns(self) -> int:
        """time.monotonic_ns."""
        return self._monotonic_ns + int((real.monotonic_ns() - self._monotonic_ns) * self.scale)

    def perf_counter(self) -> float:
        """time.perf_counter."""
        return self._monotonic + (real.perf_counter() - self._monotonic) * self.scale

    def perf_counter_ns(self) -> int:
        """time.perf_counter_ns."""
        return self._monotonic_ns + int((real.perf_counter_ns() - self._monotonic_ns) * self.scale)

    def time(self) -> float:
        """time.time."""
        return self._wall + (real.time() - self._wall) * self.scale + self._offset()

    def time_ns(self) -> int:
        """time.time_ns."""
        return (
            self._wall_ns + int((real.time_ns() - self._wall_ns) * self.scale) + int(self._offset() * 10**9)
        )

    def _offset(self) -> float:
        off = self._off[0]
        if off != self._seen:
            self._seen = off
            self._jumped(off)
        return off  # type: ignore[no-any-return]

    def sleep(self, seconds: float, /) -> None:
        """time.sleep."""
        real.sleep(seconds / self.scale if self.scale != 1 else seconds)

    def localtime(self, seconds: float | None = None, /) -> struct_time:
        """time.localtime."""
        return real.localtime(self.time() if seconds is None else seconds)

    def gmtime(self, seconds: float | None = None, /) -> struct_time:
        """time.gmtime."""
        return real.gmtime(self.time() if seconds is None else seconds)

    def ctime(self, seconds: float | None = None, /) -> str:
        """time.ctime."""
        return real.ctime(self.time() if seconds is None else seconds)

    def asctime(self, moment: Any = None, /) -> str:
        """time.asctime."""
        return real.asctime(self.localtime() if moment is None else moment)

    def strftime(self, form: str, moment: Any = None, /) -> str:
        """time.strftime."""
        return real.strftime(form, self.localtime() if moment is None else moment)

    def clock_gettime(self, clock: int, /) -> float:
        """time.clock_gettime."""
        seconds: float = real.clock_gettime(clock)  # type: ignore[misc]
        if clock in WALLS:
            return self._wall + (seconds - self._wall) * self.scale + self._offset()
        if clock in STEADY:
            return self._monotonic + (seconds - self._monotonic) * self.scale
        return seconds

    def clock_gettime_ns(self, clock: int, /) -> int:
        """time.clock_gettime_ns."""
        if clock == time.CLOCK_REALTIME:
            return self.time_ns()
        if clock == time.CLOCK_MONOTONIC:
            return self.monotonic_ns()
        if clock in WALLS | STEADY:
            return int(self.clock_gettime(clock) * 1e9)
        return real.clock_gettime_ns(clock)  # type: ignore[misc, no-any-return]


def _ids(*names: str) -> set[int]:
    return {getattr(time, name) for name in names if hasattr(time, name)}


WALLS = _ids("CLOCK_REALTIME", "CLOCK_REALTIME_COARSE", "CLOCK_TAI")
STEADY = _ids("CLOCK_MONOTONIC", "CLOCK_MONOTONIC_RAW", "CLOCK_MONOTONIC_COARSE", "CLOCK_BOOTTIME")
FUNCTIONS = tuple(name for name in vars(Clocks) if name[0] != "_" and hasattr(time, name))
CLOCKS = Clocks()


_installed: list[bool] = []


def install() -> None:
    """Put these clocks and waits in the place of the interpreter's; they run as before until `CLOCKS.begin`."""
    if _installed:
        return
    _installed.append(True)
    replace_functions(time, {name: getattr(CLOCKS, name) for name in FUNCTIONS})
    _install_datetime()
    _install_waits()


def _install_datetime() -> None:
    def now(cls: Any, tz: dt.tzinfo | None = None) -> Any:
        return cls.fromtimestamp(CLOCKS.time(), tz)

    def utcnow(cls: Any) -> Any:
        return cls.fromtimestamp(CLOCKS.time(), dt.UTC).replace(tzinfo=None)

    replace_method(dt.datetime, "now", lambda _old: classmethod(now))
    replace_method(dt.datetime, "utcnow", lambda _old: classmethod(utcnow))


def _install_waits() -> None:
    """Shorten the time-outs of what waits in C."""
    lock = type(_thread.allocate_lock())
    for owner, name in ((lock, "acquire"), (lock, "acquire_lock"), (_thread.RLock, "acquire")):
        replace_method(owner, name, _lock)
    if hasattr(_thread, "_ThreadHandle"):
        replace_method(_thread._ThreadHandle, "join", _join)  # noqa: SLF001 - Python 3.13's threads
    for module, name, method, make in (
        ("_queue", "SimpleQueue", "get", _get),
        ("_multiprocessing", "SemLock", "acquire", _get),
    ):
        try:
            replace_method(getattr(__import__(module), name), method, make)
        except (ImportError, AttributeError):
            continue
    _install_polls()


def _install_polls() -> None:
    replace_functions(select, {"select": Waits(select.select).select})
    if hasattr(select, "poll"):
        replace_method(type(select.poll()), "poll", _poll)
    if hasattr(select, "epoll"):
        replace_method(select.epoll, "poll", _epoll)
    alarms = Waits(signal.setitimer)
    replace_functions(signal, {"setitimer": alarms.setitimer, "alarm": alarms.alarm})


class Waits:
    """Functions of modules that wait, shortened.

    Args:
        old: the function as it was.
    """

    def __init__(self, old: Any) -> None:
        self._old = old

    def select(self, readers: Any, writers: Any, others: Any, timeout: float | None = None, /) -> Any:
        """select.select."""
        return self._old(readers, writers, others, _shorter(timeout))

    def setitimer(self, which: int, seconds: float, interval: float = 0.0, /) -> tuple[float, float]:
        """signal.setitimer; only the timer of the wall clock is scaled."""
        scale = CLOCKS.scale if which == signal.ITIMER_REAL else 1.0
        left, again = self._old(which, seconds / scale, interval / scale)
        return left * scale, again * scale

    def alarm(self, seconds: int, /) -> int:
        """signal.alarm."""
        left, _ = self.setitimer(signal.ITIMER_REAL, float(seconds))
        return -int(-left // 1)


def _shorter(timeout: Any) -> Any:
    scale = CLOCKS.scale
    return timeout if scale == 1 or timeout is None or timeout <= 0 else timeout / scale


def _lock(old: Any) -> Any:
    def acquire(self: Any, blocking: bool = True, timeout: float = -1) -> Any:  # noqa: FBT001, FBT002
        return old(self, blocking, timeout if timeout <= 0 else timeout / CLOCKS.scale)

    return acquire


def _join(old: Any) -> Any:
    def join(self: Any, timeout: float | None = None, /) -> Any:
        return old(self, _shorter(timeout))

    return join


def _get(old: Any) -> Any:
    def get(self: Any, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002
        return old(self, block, _shorter(timeout))

    return get


def _poll(old: Any) -> Any:
    def poll(self: Any, timeout: float | None = None, /) -> Any:
        return old(self, _shorter(timeout))

    return poll


def _epoll(old: Any) -> Any:
    def poll(self: Any, timeout: float | None = None, maxevents: int = -1) -> Any:
        return old(self, _shorter(timeout), maxevents)

    return poll
