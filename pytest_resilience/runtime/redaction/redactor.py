"""The choke point: everything that is logged, alerted or stored on its way there passes here, or does not pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from math import isfinite
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pytest_resilience.clock import Clock, SystemClock
from pytest_resilience.runtime.redaction.credentials import CREDENTIAL_RULES
from pytest_resilience.runtime.redaction.fields import FieldRule
from pytest_resilience.runtime.redaction.identifiers import IDENTIFIER_RULES
from pytest_resilience.runtime.redaction.judgement import JUDGEMENT_RULES
from pytest_resilience.runtime.redaction.keys import COUNTED, PASSING, kind_of_key
from pytest_resilience.runtime.redaction.named import NAMED_RULES, without_secret
from pytest_resilience.runtime.redaction.postgres import PostgresRule
from pytest_resilience.runtime.redaction.rule import TextRule, mark
from pytest_resilience.runtime.redaction.text_index import TextIndex
from pytest_resilience.runtime.redaction.values import VALUE_RULES

RULES: tuple[TextRule, ...] = (
    PostgresRule(),
    *CREDENTIAL_RULES,
    FieldRule(),
    *NAMED_RULES,
    *VALUE_RULES,
    *IDENTIFIER_RULES,
    *JUDGEMENT_RULES,
)
"""All rules, in the order in which they are applied."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_NAME = re.compile(r"[a-z_.]{0,64}\Z")
"""A name of the system, such as `raw.icustays`: no rule has anything to do with it."""

_SCALARS = (str, Real, Enum, PurePath, UUID, Decimal, date, time, timedelta)
"""What may stand for a number of rows, or for the name of a batch."""

_REAL_TIME = SystemClock()
"""Not the shared one, which tests replace: how long a text takes is no matter of theirs."""

_EDGE = 512
"""Characters before a cut that are dropped with it: an identifier that the cut halves would not be recognised."""


_MAX_REMEMBERED = 2_048
"""Short texts that were found clean and need no second look."""


@dataclass(slots=True)
class _Budget:
    nodes: int
    characters: int
    until: float
    clock: Clock
    open: set[int] = field(default_factory=set)

    def spent(self) -> bool:
        self.nodes -= 1
        late = self.nodes % 16 == 0 and self.clock.monotonic() > self.until
        if late:
            self.nodes = 0
        return self.nodes < 0 or self.characters < 0 or late


class Redactor:
    """Return a copy of a value in which nothing forbidden is left, as plain JSON types.

    It fails closed: what is too deep, too large, too slow or of an unknown type, and whatever makes a rule fail,
    is replaced by a mark that says so. It never raises.

    Args:
        rules: what is taken out of text.
        key_kind: says of a field's name why its value never passes, or None.
        passing: names of fields on which only the certain rules are applied.
        max_text: characters of one text that are kept.
        max_depth: how deep containers may be nested.
        max_nodes: how many values one call looks at.
        max_total: how many characters one call looks at.
        max_seconds: how long one call may take.
        clock: measures that.
    """

    def __init__(
        self,
        *,
        rules: Iterable[TextRule] = RULES,
        key_kind: Callable[[str], str | None] = kind_of_key,
        passing: AbstractSet[str] = PASSING,
        max_text: int = 8_192,
        max_depth: int = 8,
        max_nodes: int = 1_000,
        max_total: int = 65_536,
        max_seconds: float = 0.25,
        clock: Clock = _REAL_TIME,
    ) -> None:
        rules = tuple(rules)
        self._all = TextIndex(rules)
        self._certain = TextIndex([rule for rule in rules if rule.certain])
        self._clean: tuple[set[str], set[str]] = (set(), set())
        self._decided: dict[str, tuple[str, str | None, bool, bool]] = {}
        self._key_kind = key_kind
        self._passing = passing
        self._max_text = max_text
        self._max_depth = max_depth
        self._max_nodes = max_nodes
        self._max_total = max_total
        self._max_seconds = max_seconds
        self._clock = clock

    def text(self, text: str, *, judged: bool = True) -> str:
        """Return the text without what is forbidden.

        Args:
            text: free text, such as an error's message.
            judged: whether to apply the judgements on free text as well as the certain rules.
        """
        if _NAME.match(text) or text in self._clean[judged]:
            return text
        try:
            clean = self._text(text, self._all if judged else self._certain)
        except Exception:  # noqa: BLE001 - fails closed: a rule that breaks lets nothing pass
            return mark("failed")
        if clean == text and len(text) < 64 and len(self._clean[judged]) < _MAX_REMEMBERED:
            self._clean[judged].add(text)
        return clean

    def value(self, value: object) -> Json:
        """Return a copy of the value, made of plain JSON types, without what is forbidden."""
        budget = _Budget(
            self._max_nodes, self._max_total, self._clock.monotonic() + self._max_seconds, self._clock
        )
        return self._node(value, budget, depth=0, judged=True)

    def mapping(self, context: Mapping[Any, Any]) -> dict[str, Json]:
        """Return `value(context)`, as a dict whatever happens."""
        plain = self.value(context)
        return plain if isinstance(plain, dict) else {"redacted": plain}

    def _text(self, text: str, index: TextIndex) -> str:
        cut = len(text) > self._max_text
        text = text[: self._max_text + _EDGE] if cut else text
        if not text.isascii():  # half of a surrogate pair cannot be stored or sent anywhere
            text = text.encode("utf-8", "replace").decode("utf-8")
        clean = index.apply(text)
        return f"{clean[:-_EDGE]}{mark('too-long')}" if cut else clean

    def _node(self, value: object, budget: _Budget, *, depth: int, judged: bool) -> Json:
        if value is None or value is True or value is False:
            return value
        if budget.spent() or depth > self._max_depth:
            return mark("too-much")
        try:
            if isinstance(value, str):
                budget.characters -= len(value)
                return self.text(str.__str__(value), judged=judged)  # not what a subclass says of itself
            return self._other(value, budget, depth, judged=judged)
        except Exception:  # noqa: BLE001 - fails closed: a value that cannot be read does not pass
            return mark("failed")

    def _other(self, value: object, budget: _Budget, depth: int, *, judged: bool) -> Json:
        if isinstance(value, Enum):
            return self._node(value.value, budget, depth=depth, judged=judged)
        if isinstance(value, Real):
            return _number(value)
        if isinstance(value, (Mapping, list, tuple, AbstractSet)) or is_dataclass(value):
            return self._container(value, budget, depth, judged=judged)
        if isinstance(value, BaseException):
            return self.text(f"{type(value).__name__}: {value}")
        if isinstance(value, (PurePath, UUID, Decimal, datetime, date, time, timedelta)):
            return self.text(str(value), judged=judged)
        return f"<{type(value).__name__}>"

    def _container(self, value: Any, budget: _Budget, depth: int, *, judged: bool) -> Json:
        if id(value) in budget.open:
            return mark("cycle")
        budget.open.add(id(value))
        try:
            if isinstance(value, Mapping):
                return self._fields(value.items(), budget, depth)
            if is_dataclass(value):
                return self._fields(
                    ((part.name, getattr(value, part.name)) for part in fields(value)), budget, depth
                )
            return self._items(value, budget, depth, judged=judged)
        finally:
            budget.open.discard(id(value))

    def _items(self, items: Iterable[object], budget: _Budget, depth: int, *, judged: bool) -> Json:
        shown: list[Json] = []
        before: object = None
        for item in items:
            hidden = self._listed(before, item)
            if hidden is None:
                hidden = self._node(item, budget, depth=depth + 1, judged=judged)
            else:
                budget.nodes -= 1
            shown.append(hidden)
            before = item
            if budget.nodes < 0:
                break
        return shown

    def _listed(self, before: object, item: object) -> Json:
        """Return what is shown of a pair of name and value, or of an option's value, if it is not shown as it is."""
        if isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str):
            kind = self._key_kind(item[0])
            return [self.text(item[0]), mark(kind)] if kind and item[1] is not None else None
        if isinstance(before, str) and isinstance(item, str) and before.startswith("-"):
            shown = without_secret(before, item, self._key_kind)
            return None if shown == item else self.text(shown)
        return None

    def _fields(self, pairs: Iterable[tuple[object, object]], budget: _Budget, depth: int) -> Json:
        shown: dict[str, Json] = {}
        for key, value in pairs:
            name, kind, judged, counted = self._decided.get(key) or self._decide(key)  # type: ignore[call-overload] # any key
            if counted and kind is None and not isinstance(value, _SCALARS):
                kind = "data"
            if kind is not None and value is not None:
                budget.nodes -= 1
                shown[name] = mark(kind)
            else:
                shown[name] = self._node(value, budget, depth=depth + 1, judged=judged)
            if budget.nodes < 0:
                break
        return shown

    def _decide(self, key: object) -> tuple[str, str | None, bool, bool]:
        """Return how the name of a field is shown, why its value is not, and whether that is judged, or a count."""
        name = str(key)
        shown = self.text(name)
        decision = shown, self._key_kind(name), name not in self._passing, shown.lower() in COUNTED
        if isinstance(key, str) and len(name) < 64 and len(self._decided) < _MAX_REMEMBERED:
            self._decided[key] = decision
        return decision


def _number(value: Real) -> Json:
    if isinstance(value, Integral):
        number = int(value)
        return number if -(1 << 63) <= number < 1 << 64 else mark("number")
    real = float(value)
    return real if isfinite(real) else str(real)  # JSON has no NaN and no infinities


DEFAULT_REDACTOR = Redactor()
"""What the runtime's logs and alerts go through."""
