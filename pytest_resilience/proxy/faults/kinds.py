"""What a fault does: one small class a kind, with its attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from pytest_resilience.proxy.faults.point import PROTOCOLS

_BOTH = frozenset({"postgres", "http"})
_POSTGRES = frozenset({"postgres"})
_HTTP = frozenset({"http"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """End both sides with FIN."""

    name: ClassVar[str] = "cut"
    protocols: ClassVar[frozenset[str]] = PROTOCOLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """End both sides with RST."""

    name: ClassVar[str] = "reset"
    protocols: ClassVar[frozenset[str]] = PROTOCOLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """Stop both directions until it is healed.

    Args:
        keep: deliver then what was held; else it is dropped.
    """

    keep: bool = False
    name: ClassVar[str] = "hang"
    protocols: ClassVar[frozenset[str]] = _BOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Let the message, and what follows it in its direction, wait.

    Args:
        by: seconds.
    """

    by: float
    name: ClassVar[str] = "delay"
    protocols: ClassVar[frozenset[str]] = PROTOCOLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate:
    """Pass on the beginning of the message, then end both sides with FIN.

    Args:
        bytes: how much of it.
    """

    bytes: int
    name: ClassVar[str] = "truncate"
    protocols: ClassVar[frozenset[str]] = _BOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Answer with an error of PostgreSQL's, and leave the session as it would be.

    Args:
        sqlstate: the error's code.
        severity: ERROR, FATAL or PANIC; none is what a server would say with such a code.
        message: the primary message.
        detail: the secondary one.
    """

    sqlstate: str
    severity: str | None = None
    message: str = "error injected by pytest-resilience"
    detail: str | None = None
    name: ClassVar[str] = "error"
    protocols: ClassVar[frozenset[str]] = _POSTGRES

    @property
    def usual_severity(self) -> str:
        """The severity, given or not; a server ends the session with 57P01 to 57P03, and with class 08."""
        if self.severity is not None:
            return self.severity
        return "FATAL" if self.sqlstate.startswith("08") or self.sqlstate in _SHUTDOWNS else "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    """Answer an HTTP request in the server's place.

    Args:
        status: the status code.
        headers: more headers, or others than those that are made.
        body: text, or any other JSON value.
    """

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = ""
    name: ClassVar[str] = "respond"
    protocols: ClassVar[frozenset[str]] = _HTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """Pass the reply's body on slowly.

    Args:
        rate: bytes a second.
        headers: its head too.
    """

    rate: float
    headers: bool = False
    name: ClassVar[str] = "slow"
    protocols: ClassVar[frozenset[str]] = _HTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class BadChunk:
    """Let the reply break off in a chunk that is none."""

    name: ClassVar[str] = "bad_chunk"
    protocols: ClassVar[frozenset[str]] = _HTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Let the message wait until the controller has decided on it.

    Args:
        lease: seconds after which it is delivered anyway.
    """

    lease: float = 30.0
    name: ClassVar[str] = "hold"
    protocols: ClassVar[frozenset[str]] = _BOTH


_SHUTDOWNS = frozenset({"57P01", "57P02", "57P03"})

Kind = Cut | Reset | Hang | Delay | Truncate | Error | Respond | Slow | BadChunk | Hold
KINDS: tuple[type[Kind], ...] = (Cut, Reset, Hang, Delay, Truncate, Error, Respond, Slow, BadChunk, Hold)
