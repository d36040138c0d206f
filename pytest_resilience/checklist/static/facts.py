"""The facts that reading gathers: definitions, contexts, calls between them, external calls."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_resilience.checklist.static.catalogue.model import Sink
from pytest_resilience.checklist.static.frames import Frame
from pytest_resilience.checklist.static.report import Place, TimeoutState
from pytest_resilience.checklist.static.source import Source
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Value,
    Values,
)

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(slots=True)
class Definition:
    """A function as it is written."""

    key: str
    name: str
    node: FunctionNode
    source: Source
    owner: str | None
    flag: str = ""
    """`property`, `static`, `class` or `context`, as its decorators say."""
    is_generator: bool = False


@dataclass(slots=True)
class ClassDefinition:
    """A class as it is written, and what it holds."""

    key: str
    name: str
    node: ast.ClassDef
    source: Source
    bases: tuple[Value, ...] = ()
    env: dict[str, Values] = field(default_factory=dict)
    is_dataclass: bool = False


@dataclass(slots=True)
class Context:
    """A function with the arguments that it is called with."""

    id: int
    label: str
    where: str
    returned: Values = UNKNOWN
    yielded: Values = UNKNOWN
    around_yield: tuple[Frame, ...] = ()
    round: int = -1
    run: Callable[[], None] | None = None
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Step:
    """What a function does to a database, in order: `write`, `commit`, or a `call` of another function."""

    kind: str
    place: Place
    connection: Value | None = None
    callee: int | None = None
    in_loop: bool = False
    in_transaction: bool = False
    autocommit: bool = False


@dataclass(frozen=True, slots=True)
class SinkCall:
    """An external call as it is written."""

    place: Place
    sink: Sink
    timeout: TimeoutState
    writes: bool
    inner: tuple[Frame, ...] = ()
    connection: Value | None = None
    autocommit: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A call from one context, with the frames around it, innermost first."""

    caller: int
    frames: tuple[Frame, ...]
    line: int
    detached: bool = False


@dataclass(frozen=True, slots=True)
class Root:
    """Why a context is called from outside the code."""

    label: str
    framework: str = ""
    guards: bool = False
    is_declared: bool = False


@dataclass(slots=True)
class Details:
    """What a library's object was made with."""

    arguments: Arguments = field(default_factory=Arguments)
    origin: Value | None = None
    parts: Values = UNKNOWN
