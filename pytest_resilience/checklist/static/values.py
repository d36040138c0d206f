"""What an expression may stand for, without running it: a set of these; the empty set is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pytest_resilience.checklist.static.frames import Frame


@dataclass(frozen=True, slots=True)
class Const:
    """A literal; of a text with holes the part before the first."""

    value: object


@dataclass(frozen=True, slots=True)
class Ref:
    """Something that an installed library or Python itself defines, by its dotted name."""

    path: str


@dataclass(frozen=True, slots=True)
class Made:
    """An object that a library made: of which type, and at which place of the code."""

    type: str
    site: str


@dataclass(frozen=True, slots=True)
class Member:
    """A method or attribute of such an object."""

    owner: Value
    path: str


@dataclass(frozen=True, slots=True)
class Func:
    """A function of the code: its definition, the activation that made it, and what it is bound to."""

    key: str
    scope: int
    receiver: Value | None = None


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the code."""

    key: str


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of such a class; without a place it may be of any subclass."""

    key: str
    site: str = ""


@dataclass(frozen=True, slots=True)
class Super:
    """What `super()` gives in a method of a class."""

    key: str
    receiver: Value


@dataclass(frozen=True, slots=True)
class ModuleValue:
    """A module of the code."""

    name: str


@dataclass(frozen=True, slots=True)
class Partial:
    """A function with some arguments given already; they stand beside it, by place."""

    func: Value
    site: str


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A function with guards around it, innermost first."""

    func: Value
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Seq:
    """A tuple whose elements are known one by one."""

    items: tuple[Values, ...]


@dataclass(frozen=True, slots=True)
class Bag:
    """A list, set or dictionary; its elements stand in the heap, by the place that made it."""

    site: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Work that runs when it is awaited, iterated or read: a coroutine, generator or future.

    Args:
        kind: `lazy` does not run until it is forced, `running` runs by itself.
        target: the activation, or the external call.
        frames: guards that travel with it.
    """

    kind: str
    target: object
    frames: tuple[Frame, ...] = ()


Value: TypeAlias = (
    Const
    | Ref
    | Made
    | Member
    | Func
    | Class
    | Instance
    | Super
    | ModuleValue
    | Partial
    | Wrapped
    | Seq
    | Bag
    | Deferred
)
Values: TypeAlias = frozenset[Value]
UNKNOWN: Values = frozenset()
MOST = 16
"""More alternatives than this count as unknown."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call passes."""

    positional: tuple[Values, ...] = ()
    keywords: Mapping[str, Values] = field(default_factory=dict)
    open: bool = False
    """Whether there may be more that cannot be seen (`*args`, `**kwargs`)."""

    def get(self, position: int | None, keyword: str | None) -> Values | None:
        """Return what is passed at a position or by a keyword; none where it is not."""
        if keyword is not None and keyword in self.keywords:
            return self.keywords[keyword]
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return None

    def all(self) -> Iterable[Values]:
        """Return every argument."""
        return (*self.positional, *self.keywords.values())

    def after(self, count: int) -> Arguments:
        """Return what is left without the first arguments."""
        return Arguments(self.positional[count:], self.keywords, self.open)


def union(parts: Iterable[Values]) -> Values:
    """Return all alternatives of several expressions."""
    found: Values = frozenset().union(*parts)
    return found if len(found) <= MOST else _widened(found)


def _widened(found: Values) -> Values:
    """Drop literals first: they are what there is most of."""
    kept = frozenset(value for value in found if not isinstance(value, Const))
    return kept if len(kept) <= 4 * MOST else UNKNOWN


def consts(values: Values) -> list[object]:
    """Return the literals among the alternatives."""
    return [value.value for value in values if isinstance(value, Const)]


def text(values: Values) -> str | None:
    """Return the text, if there is just one."""
    found = [value for value in consts(values) if isinstance(value, str)]
    return found[0] if len(found) == 1 else None
