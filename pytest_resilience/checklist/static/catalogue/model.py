"""What is known of libraries, as data: which calls leave the process, what they raise, and what guards them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

GuardKind: TypeAlias = Literal["retry", "breaker", "fallback", "swallow", "translation", "timeout", "parts"]
Running: TypeAlias = Literal["now", "detached", "later"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A call that leaves the process.

    Args:
        path: the callable, or `Type.method`.
        library: what it belongs to.
        service: the kind of service at the other end.
        errors: what it raises when the service fails; a handler has to cover all of them.
        enough: what it raises of these when the service fails; a handler that covers this alone is one, too.
        also: what it raises besides, rarely; a handler that misses them gets a warning.
        writes: whether it changes something; `sql` where its statement tells.
        statement: position of the statement.
        receiver: position of the argument that holds the connection, where it is no method.
        timeout: the keyword that limits its time; none where no limit is asked of it.
        timeout_position: where the limit stands as a positional argument.
        timeout_default: the library has a limit of its own.
        inherits_timeout: the limit may be given to the constructor of the object that it is called on.
        timeout_text: the limit may stand in a positional text, such as a DSN.
        deferred: it does its work when it is awaited or entered.
        follow_up: it is no call, but raises the failure of an earlier one.
        transaction: what it means for a transaction, `commit` or `begin`.
    """

    path: str
    library: str
    service: str
    errors: tuple[str, ...] = ()
    enough: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    writes: bool | Literal["sql"] = False
    statement: int = 0
    receiver: int | None = None
    timeout: str | None = None
    timeout_position: int | None = None
    timeout_default: bool = False
    inherits_timeout: bool = False
    timeout_text: bool = False
    deferred: bool = False
    follow_up: bool = False
    transaction: Literal["commit", "begin"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Something that stands around calls: a retry, a breaker, a fallback, a time limit.

    Args:
        library: what it belongs to.
        kind: what it does for the call; `parts`: what the guards do that it is made of.
        parts: the keywords of those guards.
        wraps: callables that return a guarded version of the function they get.
        calls: callables that call the function they get under the guard.
        blocks: types whose `with` block is guarded.
        loops: types whose `for` loop is guarded.
        inside: types that guard the calls of a client they are given to.
        raises: of a translation, what it raises instead of every error.
        unless: the keyword that has to be given, and not as 0, else it guards nothing; `unless_position` where it is
            positional.
        exceptions: the keyword that names what it acts on; `exceptions_position` where it is positional.
        attempts: keywords that end it; `attempts_default` says whether it ends without them.
        waits: the keyword of the delay; `waits_position` where it is positional.
        backoff: how delays grow where the keyword says nothing, or the library's `growth`.
        jitter: whether delays vary where the keyword says nothing.
        jitter_keyword: the keyword that switches jitter.
        factor: the keyword that has to be above zero for delays to grow.
        gives_up_with: what a retry raises in the place of the last error, unless one of the keywords `gives_up_unless`
            is given.
    """

    library: str
    kind: GuardKind
    wraps: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    loops: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    raises: str | None = None
    unless: str | None = None
    unless_position: int | None = None
    parts: tuple[str, ...] = ()
    exceptions: str | None = None
    exceptions_position: int | None = None
    attempts: tuple[str, ...] = ()
    attempts_default: bool = True
    waits: str | None = None
    waits_position: int | None = None
    backoff: str = "unknown"
    jitter: bool = False
    jitter_keyword: str | None = None
    factor: str | None = None
    gives_up_with: str | None = None
    gives_up_unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How the delays of a wait strategy grow, and whether they vary."""

    backoff: str
    jitter: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """A border of a framework: it calls the functions that it is given.

    Args:
        framework: its name.
        guards: it catches what they raise, and answers in its own way.
        calls: callables, with or without arguments, that get the function.
        classes: base classes, and the methods that it calls on them.
        handlers: callables that register a handler of exceptions.
        methods: those that it calls on the objects that it is given.
        bases: a pattern of base classes, with `*` and `?`; it calls all public methods of what is built on them.
        replaces: what it makes of a function is no function: calling it does not run it.
        modules, parameter: functions of modules so named whose first parameter is so named, or first ones: `a, b`.
    """

    framework: str
    guards: bool = True
    calls: tuple[str, ...] = ()
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    handlers: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    bases: str | None = None
    replaces: bool = False
    modules: tuple[str, ...] = ()
    parameter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A callable that runs the functions it is given.

    Args:
        path: the callable.
        runs: `now`; `detached`, where nobody sees what they raise; `later`, when the result is read.
        function: where the function stands: a position or a keyword; all arguments where it is left out.
        arguments: the keyword of a tuple of its arguments; otherwise they follow it.
        safe: the keyword that, if true, turns exceptions into results.
    """

    path: str
    runs: Running
    function: int | str | None = None
    arguments: str | None = None
    safe: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A callable that is given functions which its library calls inside its own calls, in the same thread.

    Args:
        path: the callable.
        library: what it belongs to; its sinks call them.
        keywords: the keywords of the functions.
        function: the position of a function.
        guard: it is a guard's, and the calls of what that guards call them.
        translates: errors of theirs that come out of the library's calls as its own.
        raises: what they come out as.
    """

    path: str
    library: str = ""
    keywords: tuple[str, ...] = ()
    function: int | None = None
    guard: bool = False
    translates: tuple[str, ...] = ()
    raises: str | None = None


@dataclass(slots=True)
class Catalogue:
    """All that is known, by path.

    Args:
        sinks, returns, aliases, runners, hooks: by the path of the callable.
        bases: classes, exceptions and types alike, to their base classes.
        guards, boundaries: in the order of the files.
        growths: wait strategies.
        reads: methods whose call reads the result of something that runs; `True` raises what it raised.
        passes: callables that return what they are given: decorators and the like.
        elements: callables that return the elements of what they are given.
        sleeps: callables that wait.
        autocommit: callables and constants that switch a connection to one transaction a statement.
        configures: methods that give an object further parts, with the position of the part.
    """

    sinks: dict[str, Sink] = field(default_factory=dict)
    returns: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    guards: list[Guard] = field(default_factory=list)
    growths: dict[str, Growth] = field(default_factory=dict)
    boundaries: list[Boundary] = field(default_factory=list)
    runners: dict[str, Runner] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    reads: dict[str, bool] = field(default_factory=dict)
    passes: set[str] = field(default_factory=set)
    elements: set[str] = field(default_factory=set)
    sleeps: set[str] = field(default_factory=set)
    autocommit: set[str] = field(default_factory=set)
    configures: dict[str, int] = field(default_factory=dict)
