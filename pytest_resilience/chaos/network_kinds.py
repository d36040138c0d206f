"""The network fault kinds: how each is called, what it takes, and which of Toxiproxy's toxics carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.units import seconds


def _milliseconds(value: Any, name: str) -> int:
    return round(seconds(value, name=name) * 1_000)


def _microseconds(value: Any, name: str) -> int:
    return round(seconds(value, name=name) * 1_000_000)


def _bytes(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} is {value!r}: it takes a number of bytes")
    return value


def _kilobytes(value: Any, name: str) -> int:
    rate = _bytes(value, name)
    if 0 < rate < 1_000:
        raise ValueError(
            f"{name} is {value!r}: below 1000 bytes a second the `bandwidth` toxic has no setting"
        )
    return round(rate / 1_000)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a fault kind, and the toxic's own name and unit for it."""

    toxic_name: str
    convert: Callable[[Any, str], int]
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
        return {
            attribute.toxic_name: attribute.convert(given.get(name, attribute.default), name)
            for name, attribute in self.attributes.items()
        }


NETWORK_KINDS = (
    NetworkKind("down", None, {}),
    NetworkKind(
        "latency",
        "latency",
        {"delay": Attribute("latency", _milliseconds), "jitter": Attribute("jitter", _milliseconds, 0)},
    ),
    NetworkKind("bandwidth", "bandwidth", {"rate": Attribute("rate", _kilobytes)}),
    NetworkKind("slow_close", "slow_close", {"delay": Attribute("delay", _milliseconds)}),
    NetworkKind("timeout", "timeout", {"after": Attribute("timeout", _milliseconds, 0)}),
    NetworkKind("reset_peer", "reset_peer", {"after": Attribute("timeout", _milliseconds, 0)}),
    NetworkKind(
        "slicer",
        "slicer",
        {
            "size": Attribute("average_size", _bytes),
            "variation": Attribute("size_variation", _bytes, 0),
            "delay": Attribute("delay", _microseconds, 0),
        },
    ),
    NetworkKind("limit_data", "limit_data", {"bytes": Attribute("bytes", _bytes)}),
)


def network_kind(name: str) -> NetworkKind:
    """Return the kind of that name.

    Raises:
        ValueError: there is none.
    """
    kinds = {kind.name: kind for kind in NETWORK_KINDS}
    if name not in kinds:
        raise ValueError(f"there is no fault kind {name!r}; {nearest(name, kinds)}")
    return kinds[name]
