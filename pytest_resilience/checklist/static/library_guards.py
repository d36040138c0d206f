"""Turns the guards of libraries into frames: what a retry, a breaker or a fallback does by its settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from pytest_resilience.checklist.static.catalogue.model import Growth, Guard
from pytest_resilience.checklist.static.definitions import foreign_base
from pytest_resilience.checklist.static.frames import Frame, Handler, handled
from pytest_resilience.checklist.static.handlers import names_of
from pytest_resilience.checklist.static.report import BackoffKind, Retried
from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Instance,
    Made,
    Ref,
    Value,
    Values,
    consts,
)
from pytest_resilience.checklist.static.world import Act

_ROLES = ("wraps", "calls", "blocks", "loops", "inside")


def guards_for(act: Act, path: str, role: str) -> Iterator[Guard]:
    """Yield the guards that a path plays a role in, through base classes too."""
    table = _by_role(act)[role]
    owner, _, name = path.rpartition(".")
    for base in act.world.names.ancestors(owner) if owner else ():
        yield from table.get(f"{base}.{name}", ())
    if role in {"blocks", "loops", "inside"}:
        for base in act.world.names.ancestors(path)[1:]:
            yield from table.get(base, ())


def _by_role(act: Act) -> dict[str, dict[str, list[Guard]]]:
    tables = act.world.guard_tables
    if not tables:
        for role in _ROLES:
            tables[role] = {}
            for guard in act.world.catalogue.guards:
                for path in getattr(guard, role):
                    tables[role].setdefault(path, []).append(guard)
    return tables


def settings_of(act: Act, value: Value | None) -> Arguments:
    """Return what a library's object was made with, with what the objects that it comes from were made with."""
    positional: tuple[Values, ...] = ()
    keywords: dict[str, Values] = {}
    while value is not None and (details := act.world.details.get(value)) is not None:
        positional = positional or details.arguments.positional
        keywords = {**details.arguments.keywords, **keywords}
        value = details.origin
    return Arguments(positional, keywords)


def frames_for(act: Act, guards: Iterator[Guard], given: Arguments, where: str) -> tuple[Frame, ...]:
    """Return the frames of some guards with their settings, innermost first: retries, then breakers, fallbacks last."""
    found: list[Frame] = []
    for guard in guards:
        frame = _frame(act, guard, given, where)
        found += [frame] if frame is not None else []
        found += _giving_up(act, guard, given, where)
        found += [f for part in guard.parts for f in _of_parts(act, given.get(None, part) or UNKNOWN)]
    return tuple(sorted(found, key=lambda frame: ("timeout", "retry", "breaker", "try").index(frame.kind)))


def _of_parts(act: Act, values: Values) -> list[Frame]:
    """Return the frames of guards that another guard is made of."""
    return [
        frame
        for value in values
        if isinstance(value, Made)
        for frame in frames_for(
            act,
            guards_for(act, f"{value.type}.__call__", "wraps"),
            settings_of(act, value),
            _short(value.site),
        )
    ]


def _frame(act: Act, guard: Guard, given: Arguments, where: str) -> Frame | None:
    is_off = guard.unless is not None and _is_none(given.get(guard.unless_position, guard.unless))
    if guard.kind == "parts" or is_off:
        return None
    if guard.kind == "fallback":
        return handled(where, guard.library)
    if guard.kind == "translation":
        every = Handler(("builtins.Exception",), "translated", where, guard.raises)
        return Frame("try", where, guard.library, (every,))
    caught = _exceptions(act, guard, given)
    if guard.kind == "swallow":
        return Frame("try", where, guard.library, (Handler(caught, "swallowed", where),))
    if guard.kind == "retry":
        return Frame("retry", where, guard.library, (), _retried(act, guard, given, where), caught)
    return Frame("timeout" if guard.kind == "timeout" else "breaker", where, guard.library)


def _giving_up(act: Act, guard: Guard, given: Arguments, where: str) -> list[Frame]:
    """Return what a retry does to the last error; nothing where it cannot be told which errors it acts on."""
    is_off = any(not _is_none(given.get(None, name)) for name in guard.gives_up_unless)
    if guard.gives_up_with is None or is_off:
        return []
    caught = _exceptions(act, guard, given)
    if not caught and given.get(guard.exceptions_position, guard.exceptions):
        return []
    handler = Handler(caught or ("builtins.Exception",), "replaced", where, guard.gives_up_with)
    return [Frame("try", where, guard.library, (handler,))]


def _is_none(values: Values | None) -> bool:
    return values is None or (bool(consts(values)) and not any(consts(values)))


def _exceptions(act: Act, guard: Guard, given: Arguments) -> tuple[str, ...]:
    """Return the errors that a guard acts on; none: all."""
    if guard.kind == "swallow":
        return tuple(name for values in given.positional for name in names_of(act, values))
    values = given.get(guard.exceptions_position, guard.exceptions)
    return _classes(act, values, 3) if values else ()


def _classes(act: Act, values: Values, depth: int) -> tuple[str, ...]:
    """Return the classes among the alternatives, also those within `retry_if_exception_type(...)`."""
    found = list(names_of(act, frozenset(v for v in values if not isinstance(v, Made))))
    for value in values:
        details = act.world.details.get(value) if depth and isinstance(value, Made) else None
        if details is not None and "not_exception" not in getattr(value, "type", ""):
            found += [n for part in details.arguments.all() for n in _classes(act, part, depth - 1)]
    return tuple(dict.fromkeys(found))


def _retried(act: Act, guard: Guard, given: Arguments, where: str) -> Retried:
    kind, jitter = guard.backoff, guard.jitter
    growth = _growth(act, given.get(guard.waits_position, guard.waits), 3)
    if growth is not None:
        kind, jitter = growth.backoff, growth.jitter or (guard.jitter and guard.jitter_keyword is not None)
    elif kind == "growth" or (guard.waits is not None and given.get(guard.waits_position, guard.waits)):
        kind = "unknown"
    if guard.factor is not None and _is_none(given.get(None, guard.factor)):
        kind = "constant"
    switch = given.get(None, guard.jitter_keyword) if guard.jitter_keyword else None
    if switch is not None:
        jitter = not _is_none(switch)
    bounded = _is_bounded(guard, given)
    return Retried(
        by=guard.library, where=where, bounded=bounded, backoff=cast("BackoffKind", kind), jitter=jitter
    )


def _is_bounded(guard: Guard, given: Arguments) -> bool:
    limits = [given.get(None, name) for name in guard.attempts]
    named = [limit for limit in limits if limit is not None]
    if not named:
        return guard.attempts_default or given.open
    never = [
        v
        for limit in named
        for v in limit
        if isinstance(v, Ref | Made) and "never" in getattr(v, "path", getattr(v, "type", ""))
    ]
    if never:
        return False
    if len(named) < len(guard.attempts) and guard.attempts_default:
        return True
    return any(not (consts(limit) and all(c is None for c in consts(limit))) for limit in named)


_UNKNOWN_GROWTH = Growth(backoff="unknown", jitter=True)


def _growth(act: Act, values: Values | None, depth: int) -> Growth | None:
    """Return how delays grow by the wait strategies among the alternatives, added ones together.

    None where not a single one is known; else a function of the code, or whatever else is not, is among them.
    """
    table = act.world.catalogue.growths
    found: list[Growth] = []
    for value in values or UNKNOWN:
        path = value.path if isinstance(value, Ref) else value.type if isinstance(value, Made) else ""
        if path in table:
            found.append(table[path])
            continue
        details = act.world.details.get(value) if depth else None
        parts = () if details is None else details.arguments.all()
        grown = [g for part in parts if (g := _growth(act, part, depth - 1)) is not None]
        found += grown or [_UNKNOWN_GROWTH]
    if all(growth is _UNKNOWN_GROWTH for growth in found):
        return None
    order = ("exponential", "linear", "unknown", "constant")
    return Growth(
        backoff=min((g.backoff for g in found), key=order.index), jitter=any(g.jitter for g in found)
    )


def loop_frame(act: Act, value: Value) -> tuple[Frame, ...]:
    """Return the retry that a `for` loop over an object is."""
    if not isinstance(value, Made):
        return ()
    return frames_for(act, guards_for(act, value.type, "loops"), settings_of(act, value), _short(value.site))


def _short(site: str) -> str:
    return ":".join(site.split(":")[:2])


def library_part(act: Act, value: Instance) -> Made | None:
    """Return the library's part of an object of the code that is built on it."""
    base = foreign_base(act, value.key)
    made = Made(base, value.site) if base is not None else None
    return made if made in act.world.details else None


def client_frames(act: Act, client: Value | None) -> tuple[Frame, ...]:
    """Return the guards that were built into a client: adapters, transports, configurations."""
    found: list[Frame] = []
    seen: set[Value] = set()
    queue: list[Value] = [client] if client is not None else []
    while queue and len(seen) < 40:
        value = queue.pop(0)
        if isinstance(value, Instance):
            value = library_part(act, value) or value
        if value in seen or not (details := act.world.details.get(value)):
            continue
        seen.add(value)
        if isinstance(value, Made):
            guards = guards_for(act, value.type, "inside")
            found += frames_for(act, guards, settings_of(act, value), _short(value.site))
        queue += [v for part in (*details.arguments.all(), details.parts) for v in part]
        queue += [details.origin] if details.origin is not None else []
    return _outermost_detail(found)


def _outermost_detail(frames: list[Frame]) -> tuple[Frame, ...]:
    """Keep one retry: the one that says most, as a `Retry` within an adapter does."""
    if len(frames) < 2:
        return tuple(frames)
    order = ("exponential", "linear", "unknown", "constant")
    return (min(reversed(frames), key=lambda f: order.index(f.retried.backoff) if f.retried else 9),)
