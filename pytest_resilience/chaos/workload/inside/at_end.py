"""What is done when this process ends by itself, also where it raises the signal again that it was told to end by.

So uvicorn ends (and whoever follows the documentation of `signal`), which no `atexit` sees.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import atexit
import sys
from collections.abc import Callable
from typing import Any

_LAST: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
_raise = _signal.raise_signal


def at_end(function: Callable[..., object], *arguments: Any) -> None:
    """Have a function called when the process ends."""
    if not _LAST:
        atexit.register(_end)
        _signal.raise_signal = _raise_signal
        if "signal" in sys.modules:
            sys.modules["signal"].raise_signal = _raise_signal  # type: ignore[attr-defined]
    _LAST.append((function, arguments))


def _end() -> None:
    while _LAST:
        function, arguments = _LAST.pop()
        function(*arguments)


def _raise_signal(signalnum: int, /) -> None:
    """Raise a signal; where it ends the process, that is the end."""
    if _signal.getsignal(signalnum) == _signal.SIG_DFL:
        _end()
    _raise(signalnum)
