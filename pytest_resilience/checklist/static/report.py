"""What the static checks say: the external calls, how each is guarded, and what looks wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

GuardState: TypeAlias = Literal["guarded", "unguarded", "framework", "unreached"]
BackoffKind: TypeAlias = Literal["constant", "linear", "exponential", "unknown"]
TimeoutState: TypeAlias = Literal["set", "default", "missing", "unknown", "not-asked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint:
    """Where a run of the code begins: exactly one of the three.

    Args:
        module: `python -m module`.
        script: a path, from the folder that is read.
        function: `module:function`.
    """

    module: str | None = None
    script: str | None = None
    function: str | None = None

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.module, self.script, self.function)) != 1:
            raise ValueError(f"an entry point is a module, a script or a function, exactly one: {self!r}")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """A line of the code, and what is to be said of it; `unreached` where no declared entry point leads to it."""

    path: str
    line: int
    column: int = 1
    what: str = ""
    unreached: bool = False

    @property
    def subject(self) -> str:
        """`path:line`, as the report names it."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """How a call is tried again.

    Args:
        by: the library, or `loop` for the code's own.
        where: `path:line` of it.
        bounded: whether it ends.
        backoff: how the delays grow.
        jitter: whether they vary.
    """

    by: str
    where: str
    bounded: bool
    backoff: BackoffKind
    jitter: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One external call.

    Args:
        place: where it stands.
        library, sink: whose call it is, and its dotted name.
        service: the kind of service that it talks to.
        state: how its failure is met, the worst over all paths.
        path: the calls that lead to it and show the state, from the entry point, as `path:line name`.
        guards: `path:line` of what meets its failure.
        retried: how it is tried again on every path; none if on some path it is not.
        breaker: the library of the breaker that stands around it on every path.
        timeout: whether its time is limited.
        writes: whether it changes something.
        missed: rarer errors of it that nothing on the shown path covers.
        errors: what has to be caught.
        declared: some declared entry point leads to it; true where none is declared.
        is_follow_up: no call of its own, but where the failure of an earlier one is raised.
    """

    place: Place
    library: str
    sink: str
    service: str
    state: GuardState
    path: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    retried: Retried | None = None
    breaker: str | None = None
    timeout: TimeoutState = "not-asked"
    writes: bool = False
    missed: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    declared: bool = True
    is_follow_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of the code was understood.

    Args:
        files, lines: what was read.
        functions, reached: functions, and those that some entry point leads to.
        calls, resolved: calls, and those whose target is known.
    """

    files: int = 0
    lines: int = 0
    functions: int = 0
    reached: int = 0
    calls: int = 0
    resolved: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticReport:
    """All that was read from the code; places are in the order of path and line.

    Args:
        sites: the external calls.
        swallowed: handlers that hide an error silently.
        autocommit_writes: several writes on a connection that commits each by itself.
        commits_between: commits between the writes of one operation.
        missing_timeouts: calls that may wait for ever.
        bare_logging: errors logged without context.
        unresolved: calls whose target is not known.
        broken: files that could not be read.
        notes: entry points that were not found, and the like.
        coverage: how much was understood.
    """

    sites: tuple[Site, ...] = ()
    swallowed: tuple[Place, ...] = ()
    autocommit_writes: tuple[Place, ...] = ()
    commits_between: tuple[Place, ...] = ()
    missing_timeouts: tuple[Place, ...] = ()
    bare_logging: tuple[Place, ...] = ()
    unresolved: tuple[Place, ...] = ()
    broken: tuple[Place, ...] = ()
    notes: tuple[str, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
