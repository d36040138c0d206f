"""What stands around a call and meets its failure: handlers, retries, breakers, time limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pytest_resilience.checklist.static.report import Retried

Disposition: TypeAlias = Literal["handled", "swallowed", "translated", "reraised", "replaced"]
"""What is translated was met by the code's own error; what is replaced, by a library's, still has to be met."""
FrameKind: TypeAlias = Literal["try", "retry", "breaker", "timeout"]


@dataclass(frozen=True, slots=True)
class Handler:
    """One `except`: which errors it catches and what becomes of them.

    Args:
        catches: dotted names; none catches nothing that is known.
        disposition: what it does.
        where: `path:line`.
        raises: the name of what it raises instead.
    """

    catches: tuple[str, ...]
    disposition: Disposition
    where: str
    raises: str | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One thing around a call.

    Args:
        kind: what it is.
        where: `path:line`.
        library: whose it is.
        handlers: of a `try`, in their order.
        retried: of a retry.
        exceptions: the errors that a retry acts on; none: all.
    """

    kind: FrameKind
    where: str
    library: str = ""
    handlers: tuple[Handler, ...] = ()
    retried: Retried | None = None
    exceptions: tuple[str, ...] = ()


def handled(where: str, library: str = "", disposition: Disposition = "handled") -> Frame:
    """Return a frame that meets every error."""
    return Frame("try", where, library, (Handler(("builtins.BaseException",), disposition, where),))
