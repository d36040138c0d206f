"""One fault: what it waits for, what it does, how often it has struck, and what it holds until it is healed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_resilience.proxy.faults.kinds import Cut, Error, Kind, Reset, Truncate
from pytest_resilience.proxy.faults.point import Point, Side
from pytest_resilience.proxy.faults.triggers import Trigger

TRANSACTIONS = {"idle": "I", "open": "T", "failed": "E"}
"""What a condition on the transaction may say, and the status that the server reports then."""

PREVENTING = (Cut, Error, Reset, Truncate)
"""Kinds that let nothing of a request be executed from the struck statement on."""


class State(StrEnum):
    """Where a fault is in its life."""

    ARMED = "armed"
    ACTING = "acting"
    SPENT = "spent"
    HEALED = "healed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What must be so besides the trigger; all that is given must hold.

    Args:
        connection: the connection's number at its proxy.
        application_name: of the PostgreSQL session.
        transaction: `idle`, `open` or `failed`.
        headers: patterns to find in an HTTP request's headers, by their names in lower case.
        body: a pattern to find in its body.
    """

    connection: int | None = None
    application_name: str | None = None
    transaction: str | None = None
    headers: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    body: re.Pattern[str] | None = None

    def hold_for(self, point: Point) -> bool:
        """Tell whether all of them hold."""
        return self.hold_but_for_body(point) and (self.body is None or self._body_matches(point))

    def hold_but_for_body(self, point: Point) -> bool:
        """Tell whether all hold that can be judged before the body has come."""
        return (
            (self.connection is None or self.connection == point.connection)
            and (self.application_name is None or self.application_name == point.application_name)
            and (self.transaction is None or TRANSACTIONS[self.transaction] == point.transaction)
            and (not self.headers or self._headers_match(point))
        )

    def _headers_match(self, point: Point) -> bool:
        given = {} if point.request is None else point.request.headers
        return all(name in given and pattern.search(given[name]) for name, pattern in self.headers.items())

    def _body_matches(self, point: Point) -> bool:
        if self.body is None or point.request is None or point.request.body is None:
            return False
        return self.body.search(point.request.body.decode("utf-8", errors="replace")) is not None


@dataclass(slots=True, kw_only=True, eq=False)
class Fault:
    """A fault at one proxy.

    Args:
        id: its name at the API.
        kind: what it does.
        trigger: what it waits for.
        side: which messages it watches; none: both.
        conditions: what must be so besides.
        nth: the first match that is struck, from 1.
        times: how many matches from there on are struck; none: all.
        added_at: seconds since the engine started.

    Attributes:
        seen: matches so far; what is promised is not among them, so that nothing else takes its place.
        fired: how often it has struck.
        promised: replies that are sure to be struck, wherever they come: what they answer was made to fail.
    """

    id: str
    kind: Kind
    trigger: Trigger
    side: Side | None = None
    conditions: Conditions = field(default_factory=Conditions)
    nth: int = 1
    times: int | None = 1
    added_at: float = 0.0
    seen: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)
    promised: int = field(default=0, init=False)
    healed: bool = field(default=False, init=False)
    _held: list[Callable[[], object]] = field(default_factory=list, init=False)

    @property
    def state(self) -> State:
        """Where it is in its life."""
        if self.healed:
            return State.HEALED
        if self._held:
            return State.ACTING
        return State.SPENT if self.is_spent else State.ARMED

    @property
    def is_spent(self) -> bool:
        """Whether it has struck as often as it may."""
        return self.times is not None and self.seen >= self.nth + self.times - 1

    @property
    def is_watching(self) -> bool:
        """Whether it may still strike."""
        return not self.healed and not self.is_spent

    def watches(self, side: Side) -> bool:
        """Tell whether it looks at messages of that side."""
        return self.side is None or self.side is side

    def strike(self, point: Point) -> int | None:
        """Count the message; return which match it is if the fault strikes it."""
        if not self.watches(point.side) or not self.conditions.hold_for(point):
            return None
        before = self.seen
        self.seen += self.trigger.count(point)
        struck = max(self.nth, before + 1)
        last = None if self.times is None else self.nth + self.times - 1 - self.promised
        if last is not None and struck > last:
            self.seen = min(self.seen, last) if self.promised else self.seen
            return None
        if struck > self.seen:
            return None
        if point.side is Side.REQUEST and isinstance(self.kind, PREVENTING):
            self.seen = struck  # what stands behind it in the same message is not executed
        self.fired += 1
        return struck

    def force(self) -> int:
        """Strike although the count has come about otherwise than foreseen; return which match it is."""
        self.seen = max(self.seen, self.nth + self.fired)
        self.fired += 1
        return self.seen

    def foresees(self, points: list[Point]) -> int | None:
        """Return the index of the first of these replies, which have not come yet, that it will strike."""
        if self.times is not None and self.promised >= self.times - max(0, self.seen - self.nth + 1):
            return None
        seen = self.seen
        for index, point in enumerate(points):
            if self.watches(point.side) and self.conditions.hold_for(point):
                seen += self.trigger.foresee(point)
                if seen >= self.nth:
                    return index
        return None

    def may_strike(self, point: Point) -> bool:
        """Tell whether this message, or the reply that it foretells, may be a match; the body is not looked at."""
        return (
            self.watches(point.side)
            and self.conditions.hold_but_for_body(point)
            and self.trigger.foresee(point) > 0
        )

    def holds(self, release: Callable[[], object]) -> Callable[[], None]:
        """Note what has to be released when it is healed; return what forgets it again."""
        self._held.append(release)

        def forget() -> None:
            if release in self._held:
                self._held.remove(release)

        return forget

    def heal(self) -> None:
        """End it, and release what it holds; safe to call twice."""
        self.healed = True
        held, self._held = self._held, []
        for release in held:
            release()
