"""The network fault kinds: how each is called, what it takes, and which of Toxiproxy's toxics carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.no_change import why_no_change
from pytest_resilience.chaos.units import seconds

Stream: TypeAlias = Literal["downstream", "upstream"]
"""On replies, or on requests."""
STREAMS = ("downstream", "upstream")
Convert: TypeAlias = Callable[[Any, str], dict[str, int]]
"""From a value, and what messages call it, to the toxic's attributes."""


def _milliseconds(toxic_name: str, *, zero: bool = True) -> Convert:
    least = 0 if zero else 1  # what is shorter than a millisecond is one
    return lambda value, name: {toxic_name: max(least, round(seconds(value, name=name, zero=zero) * 1_000))}


def _microseconds(toxic_name: str) -> Convert:
    return lambda value, name: {toxic_name: round(seconds(value, name=name) * 1_000_000)}


def _bytes(toxic_name: str) -> Convert:
    return lambda value, name: {toxic_name: _number_of_bytes(value, name)}


def _rate(value: Any, name: str) -> dict[str, int]:
    """Toxiproxy knows kilobytes a second; what is no whole number of them goes into an attribute of ours."""
    rate = _number_of_bytes(value, name)
    kilobytes, rest = divmod(rate, 1_000)
    return {"rate": max(1, kilobytes), "bytes_per_second": rate} if rest else {"rate": kilobytes}


def _piece(value: Any, name: str) -> dict[str, int]:
    if _number_of_bytes(value, name) == 0:
        raise ValueError(f"{name} is 0: pieces have a length")
    return {"average_size": value}


def _number_of_bytes(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} is {value!r}: it takes a number of bytes")
    return value


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a fault kind, and how it becomes the toxic's own."""

    convert: Convert
    default: Any = None


@dataclass(frozen=True, slots=True)
class NetworkKind:
    """A fault on a service's connections; `toxic` is none for `down`, which closes the listener."""

    name: str
    toxic: str | None
    attributes: Mapping[str, Attribute]

    def toxic_attributes(self, given: Mapping[str, Any]) -> dict[str, int]:
        """Return the toxic's attributes, in its own names and units.

        Raises:
            TypeError: an attribute is unknown or missing.
            ValueError: a value means nothing.
        """
        for name in given:
            if name not in self.attributes:
                raise TypeError(
                    f"fault {self.name!r} has no attribute {name!r}; {nearest(name, self.attributes)}"
                )
        missing = [n for n, a in self.attributes.items() if a.default is None and n not in given]
        if missing:
            raise TypeError(f"fault {self.name!r} needs {', '.join(missing)}")
        settings: dict[str, int] = {}
        for name, attribute in self.attributes.items():
            settings |= attribute.convert(given.get(name, attribute.default), name)
        if settings.get("size_variation", 0) > settings.get("average_size", 0):
            raise ValueError(
                f"variation is {given['variation']}: it is at most size, which is {given['size']}"
            )
        useless = why_no_change(self.name, given)
        if useless is not None:
            raise ValueError(useless[1])
        return settings


NETWORK_KINDS = (
    NetworkKind("down", None, {}),
    NetworkKind(
        "latency",
        "latency",
        {
            "delay": Attribute(_milliseconds("latency", zero=False)),
            "jitter": Attribute(_milliseconds("jitter"), 0),
        },
    ),
    NetworkKind("bandwidth", "bandwidth", {"rate": Attribute(_rate)}),
    NetworkKind("slow_close", "slow_close", {"delay": Attribute(_milliseconds("delay", zero=False))}),
    NetworkKind("timeout", "timeout", {"after": Attribute(_milliseconds("timeout"), 0)}),
    NetworkKind("reset_peer", "reset_peer", {"after": Attribute(_milliseconds("timeout"), 0)}),
    NetworkKind(
        "slicer",
        "slicer",
        {
            "size": Attribute(_piece),
            "variation": Attribute(_bytes("size_variation"), 0),
            "delay": Attribute(_microseconds("delay"), 0),
        },
    ),
    NetworkKind("limit_data", "limit_data", {"bytes": Attribute(_bytes("bytes"))}),
)


AT_A_MESSAGE = ("cut", "reset", "hang", "delay", "truncate", "error", "respond", "slow", "bad_chunk")
"""Kinds that need a message; a test compares them with the methods of the points."""


def network_kind(name: str) -> NetworkKind:
    """Return the kind of that name.

    Raises:
        ValueError: there is none.
    """
    __tracebackhide__ = True
    kinds = {kind.name: kind for kind in NETWORK_KINDS}
    if name in AT_A_MESSAGE:
        raise ValueError(f"fault {name!r} goes to a message: say which, when={{'message': 'COMMIT'}}")
    if name not in kinds:
        hint = nearest(name, [*kinds, *AT_A_MESSAGE])
        raise ValueError(f"there is no fault kind {name!r}; {hint} (from {AT_A_MESSAGE[0]} on with `when`)")
    return kinds[name]
