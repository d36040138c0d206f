"""Judges each external call: the worst of all paths that lead to it from an entry point."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pytest_resilience.checklist.static.declared import declared_roots
from pytest_resilience.checklist.static.facts import Edge, SinkCall
from pytest_resilience.checklist.static.frames import Frame
from pytest_resilience.checklist.static.report import (
    EntryPoint,
    GuardState,
    Place,
    Retried,
    Site,
    TimeoutState,
)
from pytest_resilience.checklist.static.world import World

_ORDER: tuple[GuardState, ...] = ("unguarded", "framework", "guarded", "unreached")
_SHIELDED = "*"
"""Stands for an error that was translated: nothing of the library is left to be caught."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How one path ends: what state, through which calls, by which guards, with which errors that nothing met."""

    state: GuardState
    path: tuple[str, ...]
    guards: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class Judge:
    """Follows calls backwards, from an external call to the entry points."""

    def __init__(self, world: World, entry_points: Sequence[EntryPoint] = ()) -> None:
        self._world = world
        self._reached = _reached(world, set(world.roots))
        self._declared = _reached(world, declared_roots(world, entry_points))

    @property
    def reached(self) -> set[int]:
        """The contexts that some entry point leads to."""
        return self._reached

    @property
    def declared(self) -> set[int]:
        """The contexts that some declared entry point leads to."""
        return self._declared

    def sites(self) -> Iterator[Site]:
        """Yield one judgement for each external call, in the order of the code."""
        grouped: defaultdict[tuple[Place, str], list[tuple[SinkCall, int, tuple[Frame, ...]]]] = defaultdict(
            list
        )
        for call, context, frames in self._world.sinks:
            grouped[call.place, call.sink.path].append((call, context, frames))
        for key in sorted(grouped):
            yield self._site(grouped[key])

    def _site(self, events: list[tuple[SinkCall, int, tuple[Frame, ...]]]) -> Site:
        live = [event for event in events if event[1] in self._reached]
        call = events[0][0]
        seen = [one for event in live for one in self._seen(event, call.sink.errors)]
        if call.sink.enough and any(one.state == "unguarded" for one in seen):
            fewer = [one for event in live for one in self._seen(event, call.sink.enough)]
            seen = seen if any(one.state == "unguarded" for one in fewer) else fewer
        worst = min(seen, key=lambda one: (_ORDER.index(one.state), len(one.path), one.path), default=None)
        judged = live or events
        return Site(
            place=call.place,
            library=call.sink.library,
            sink=call.sink.path,
            service=call.sink.service,
            state=worst.state if worst is not None else "unreached",
            path=worst.path if worst is not None else (),
            guards=tuple(sorted({guard for one in seen for guard in one.guards})),
            retried=_worst_retry(self._kept(judged, "retry", call.sink.errors)),
            breaker=_all_breakers(self._kept(judged, "breaker", call.sink.errors)),
            timeout=_worst_timeout(judged, self._kept(judged, "timeout", (_SHIELDED,))),
            writes=any(event[0].writes for event in events),
            missed=self._missed(live, call, worst),
            errors=(worst.errors if worst is not None else ()) or call.sink.errors,
            declared=any(event[1] in self._declared for event in events),
            is_follow_up=call.sink.follow_up,
        )

    def _missed(
        self, live: list[tuple[SinkCall, int, tuple[Frame, ...]]], call: SinkCall, worst: Seen | None
    ) -> tuple[str, ...]:
        if worst is None or worst.state != "guarded":
            return ()
        states = {
            error: [one.state for event in live for one in self._seen(event, (error,))]
            for error in call.sink.also
        }
        return tuple(error for error, found in states.items() if "unguarded" in found)

    def _seen(
        self, event: tuple[SinkCall, int, tuple[Frame, ...]], errors: tuple[str, ...]
    ) -> Iterator[Seen]:
        """Yield how each path ends, with one example for each different end."""
        call, start, frames = event
        world = self._world
        left, guards = self._through(frames, errors)
        queue: list[tuple[int, tuple[str, ...], tuple[str, ...]]] = [
            (start, left, (f"{call.place.subject} {call.sink.path}",))
        ]
        known = {(start, left)}
        if not left:
            yield Seen("guarded", queue[0][2], guards)
            return
        while queue:
            context, errors, path = queue.pop(0)
            if context in world.roots:
                yield self._at_root(context, errors, path)
            for edge in self._callers(context):
                left, guards = self._through(edge.frames, errors)
                step = (f"{world.contexts[context].where} {world.contexts[context].label}", *path)
                if not left:
                    yield Seen("guarded", step, guards)
                elif edge.detached:
                    yield Seen("unguarded", (f"{_line(world, edge)} starts it apart", *step), errors=left)
                elif (edge.caller, left) not in known:
                    known.add((edge.caller, left))
                    queue.append((edge.caller, left, step))

    def _callers(self, context: int) -> list[Edge]:
        return [edge for edge in self._world.edges.get(context, ()) if edge.caller in self._reached]

    def _at_root(self, context: int, errors: tuple[str, ...], path: tuple[str, ...]) -> Seen:
        world = self._world
        root = world.roots[context]
        label = f"{world.contexts[context].where} {root.label}"
        left, guards = self._through(world.root_frames.get(context, ()), errors)
        answered = world.answered.get(root.framework, set())
        left = tuple(error for error in left if not any(world.names.covers(one, error) for one in answered))
        if not left:
            return Seen("guarded", (label, *path), guards or (label,))
        return Seen("framework" if root.guards else "unguarded", (label, *path), errors=left)

    def _through(
        self, frames: Iterable[Frame], errors: tuple[str, ...]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the errors that get through some frames, and the handlers that stopped others."""
        guards: list[str] = []
        for frame in frames:
            if not errors or frame.kind != "try":
                continue
            left: list[str] = []
            for error in errors:
                met = self._met(frame, error)
                if met is None:
                    left += self._behind(frame, error)
                else:
                    guards.append(met)
            errors = tuple(dict.fromkeys(left))
        return errors, tuple(guards)

    def _met(self, frame: Frame, error: str) -> str | None:
        """Return the handler that stops an error, the first that catches it; none where it goes on."""
        for handler in frame.handlers:
            if any(self._world.names.covers(caught, error) for caught in handler.catches):
                return None if handler.disposition in {"reraised", "replaced"} else handler.where
        return None

    def _behind(self, frame: Frame, error: str) -> tuple[str, ...]:
        """Return what has to be met of an error that a frame does not meet: itself, or what took its place, or both."""
        covers = self._world.names.covers
        for handler in frame.handlers:
            if handler.disposition == "replaced" and handler.raises is not None:
                if any(covers(caught, error) for caught in handler.catches):
                    return (handler.raises,)
                if any(covers(error, caught) for caught in handler.catches):
                    return error, handler.raises
        return (error,)

    def _kept(
        self, events: list[tuple[SinkCall, int, tuple[Frame, ...]]], kind: str, errors: tuple[str, ...]
    ) -> list[Frame | None]:
        """Return the nearest frame of a kind on each path, none where a path has none."""
        found: list[Frame | None] = []
        for _, start, frames in events:
            found += self._nearest(start, frames, kind, errors)
        return found

    def _nearest(
        self, start: int, frames: tuple[Frame, ...], kind: str, errors: tuple[str, ...]
    ) -> Iterator[Frame | None]:
        queue = [(start, frames, errors)]
        known = {(start, frames, errors)}
        while queue:
            context, around, carried = queue.pop(0)
            frame, carried = self._scan(around, kind, carried)
            if frame is not None or not carried:
                yield frame
                continue
            edges = self._callers(context)
            if context in self._world.roots or not edges:
                yield self._scan(self._world.root_frames.get(context, ()), kind, carried)[0]
            for edge in edges:
                following = (edge.caller, edge.frames, carried)
                if not edge.detached and following not in known:
                    known.add(following)
                    queue.append(following)
                elif edge.detached:
                    yield self._scan(edge.frames, kind, carried)[0]

    def _scan(
        self, frames: tuple[Frame, ...], kind: str, errors: tuple[str, ...]
    ) -> tuple[Frame | None, tuple[str, ...]]:
        """Return the first frame of a kind that sees the error, and what is left of the error behind all of them."""
        for frame in frames:
            if frame.kind == kind and (kind != "retry" or self._sees(frame, errors)):
                return frame, errors
            if frame.kind == "try":
                errors = tuple(one for error in errors for one in self._after(frame, error))
                if not errors:
                    return None, ()
        return None, errors

    def _after(self, frame: Frame, error: str) -> tuple[str, ...]:
        """Return what an error is after a `try`: itself, what it was translated to, or nothing."""
        for handler in frame.handlers:
            if error != _SHIELDED and any(
                self._world.names.covers(caught, error) for caught in handler.catches
            ):
                if handler.disposition == "reraised":
                    return (error,)
                goes_on = handler.disposition in {"translated", "replaced"}
                return (handler.raises or _SHIELDED,) if goes_on else ()
        return (error,)

    def _sees(self, frame: Frame, errors: tuple[str, ...]) -> bool:
        """Return whether a retry acts on some of the errors, or on a kind of them."""
        if not frame.exceptions:
            return True
        names = self._world.names
        return any(
            names.covers(acts_on, error) or names.covers(error, acts_on)
            for acts_on in frame.exceptions
            for error in errors
        )


def _reached(world: World, roots: set[int]) -> set[int]:
    calls: defaultdict[int, set[int]] = defaultdict(set)
    for callee, edges in world.edges.items():
        for edge in edges:
            calls[edge.caller].add(callee)
    found = set(roots)
    queue = list(found)
    while queue:
        for callee in calls[queue.pop()]:
            if callee not in found:
                found.add(callee)
                queue.append(callee)
    return found


def _line(world: World, edge: Edge) -> str:
    return f"{world.contexts[edge.caller].where.rpartition(':')[0]}:{edge.line}"


def _worst_retry(frames: list[Frame | None]) -> Retried | None:
    """Return the weakest of the retries, none where some path has none."""
    found = [frame.retried for frame in frames if frame is not None and frame.retried is not None]
    if len(found) != len(frames) or not found:
        return None
    order = ("constant", "linear", "unknown", "exponential")
    return min(found, key=lambda one: (one.bounded, order.index(one.backoff), one.jitter, one.where))


def _all_breakers(frames: list[Frame | None]) -> str | None:
    found = [frame.library for frame in frames if frame is not None]
    return min(found) if found and len(found) == len(frames) else None


def _worst_timeout(
    events: list[tuple[SinkCall, int, tuple[Frame, ...]]], limits: list[Frame | None]
) -> TimeoutState:
    """Return the weakest limit; one around the call on every path counts, too."""
    order: tuple[TimeoutState, ...] = ("missing", "unknown", "default", "set", "not-asked")
    weakest = min((call.timeout for call, *_ in events), key=order.index)
    return "set" if weakest != "not-asked" and limits and None not in limits else weakest
