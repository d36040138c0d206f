"""Finds what looks wrong besides unguarded calls: hidden errors, split transactions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pytest_resilience.checklist.static.facts import Context, Step
from pytest_resilience.checklist.static.report import Place
from pytest_resilience.checklist.static.values import Value
from pytest_resilience.checklist.static.world import World

_BROAD = {"builtins.Exception", "builtins.BaseException"}


def swallowed(world: World) -> Iterator[tuple[Place, str]]:
    """Yield handlers that hide an error silently: any error, or that of an external call."""
    hidden = {
        handler.where: handler for *_, frames in world.sinks for frame in frames for handler in frame.handlers
    }
    for where, (place, frame) in world.handlers.items():
        for handler in frame.handlers:
            if handler.where != where or handler.disposition != "swallowed":
                continue
            if (where in hidden and _meets_external(world, where)) or _BROAD & set(handler.catches):
                yield replace(place, what=f"hides {', '.join(handler.catches) or 'an error'}"), where
    for *_, frames in world.sinks:
        for frame in frames:
            if frame.library == "contextlib" and any(h.disposition == "swallowed" for h in frame.handlers):
                path, _, line = frame.where.rpartition(":")
                yield Place(path=path, line=int(line), what="hides an error with suppress()"), frame.where


def _meets_external(world: World, where: str) -> bool:
    """Return whether a handler catches what an external call within its `try` raises, or a kind of that."""
    for call, _, frames in world.sinks:
        for handler in (h for frame in frames for h in frame.handlers if h.where == where):
            related = (*call.sink.errors, *call.sink.also)
            if any(
                world.names.covers(c, e) or world.names.covers(e, c) for c in handler.catches for e in related
            ):
                return True
    return False


def marked(world: World, places: dict[Place, str], declared: set[int]) -> tuple[Place, ...]:
    """Return places in handlers, in their order, with whether a declared entry point leads to them."""
    return tuple(
        replace(place, unreached=not world.handled_in.get(where, declared) & declared)
        for place, where in sorted(places.items())
    )


def transactions(world: World, reached: set[int]) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """Return writes that commit by themselves though they belong together, and commits between writes."""
    auto: dict[Place, bool] = {}
    between: dict[Place, bool] = {}
    for context in world.contexts:
        if context.round != world.round:
            continue
        for steps in _by_connection(world, context).values():
            for places, found in zip((auto, between), _judged(steps), strict=True):
                places.update({p: places.get(p, False) or context.id in reached for p in found})
    return _marked(auto), _marked(between)


def _marked(places: dict[Place, bool]) -> tuple[Place, ...]:
    return tuple(replace(place, unreached=not is_reached) for place, is_reached in sorted(places.items()))


def _by_connection(world: World, context: Context) -> dict[Value | None, list[Step]]:
    found: dict[Value | None, list[Step]] = {}
    for step in _flat(world, context, 3):
        found.setdefault(step.connection, []).append(step)
    return found


def _flat(world: World, context: Context, depth: int) -> list[Step]:
    """Return the steps of a function with those of functions that it calls, unless these commit by themselves."""
    found: list[Step] = []
    for step in context.steps:
        if step.kind != "call":
            found.append(step)
        elif step.callee is not None and depth and step.callee != context.id:
            inner = _flat(world, world.contexts[step.callee], depth - 1)
            kinds = {one.kind for one in inner}
            if not {"write", "commit"} <= kinds and not any(one.in_transaction for one in inner):
                found += [
                    replace(one, in_loop=one.in_loop or step.in_loop, in_transaction=step.in_transaction)
                    for one in inner
                ]
    return found


def _judged(steps: list[Step]) -> tuple[set[Place], set[Place]]:
    auto: set[Place] = set()
    between: set[Place] = set()
    alone = [s for s in steps if s.kind == "write" and s.autocommit and not s.in_transaction]
    if len({s.place for s in alone}) > 1 or any(s.in_loop for s in alone):
        auto.add(replace(alone[0].place, what=_told("commit one by one", alone)))
    writes: list[Step] = []
    commit: Step | None = None
    for step in steps:
        if step.kind == "write" and commit is not None and step.place not in {w.place for w in writes}:
            between.add(replace(commit.place, what=_told("are split by this commit", [*writes[-1:], step])))
            commit = None
        if step.kind == "write":
            writes.append(step)
        elif step.kind == "commit" and writes:
            commit = step
    return auto, between


def _told(what: str, writes: list[Step]) -> str:
    lines = ", ".join(str(line) for line in sorted({w.place.line for w in writes}))
    return f"the writes in lines {lines} {what}"
