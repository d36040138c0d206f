"""Service handles: a real service as a test holds it, with every network fault as a method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_resilience.chaos.fault import Fault
from pytest_resilience.chaos.mechanisms import Closed, Toxic
from pytest_resilience.chaos.network_kinds import STREAMS, Stream, network_kind
from pytest_resilience.chaos.units import Duration, seconds
from pytest_resilience.chaos.wire import ProxiedService


@dataclass(frozen=True, slots=True, repr=False)
class ServiceHandle:
    """A service behind its proxy.

    Every fault is a context manager. `duration` heals it after so long, `must_fire=False` allows that it
    meets nothing. Faults on a `stream` act on replies (`downstream`) or on requests (`upstream`), on each
    connection with the probability `toxicity`.
    """

    _word: ClassVar[str] = "service"
    """What its kind is called where it is shown."""

    proxied: ProxiedService

    def __repr__(self) -> str:
        """Return its kind and name alone: pytest shows a red test's arguments, and a password is among the facts."""
        return f"<{self._word} {self.name!r}>"

    @property
    def name(self) -> str:
        """The service's name."""
        return self.proxied.name

    @property
    def host(self) -> str:
        """The loopback address of the proxy."""
        return self.proxied.host

    @property
    def port(self) -> int:
        """The port of the proxy."""
        return self.proxied.port

    def down(self, *, duration: Duration | None = None, must_fire: bool = True) -> Fault:
        """Refuse new connections and end those that live."""
        __tracebackhide__ = True
        return self.inject("down", duration=duration, must_fire=must_fire)

    def latency(self, delay: Duration, *, jitter: Duration = 0, **how: Any) -> Fault:
        """Hand everything on later: by `delay`, give or take `jitter`."""
        __tracebackhide__ = True
        return self.inject("latency", delay=delay, jitter=jitter, **how)

    def bandwidth(self, rate: int, **how: Any) -> Fault:
        """Hand on at most `rate` bytes a second."""
        __tracebackhide__ = True
        return self.inject("bandwidth", rate=rate, **how)

    def slow_close(self, delay: Duration, **how: Any) -> Fault:
        """Hold the close of a connection for `delay`."""
        __tracebackhide__ = True
        return self.inject("slow_close", delay=delay, **how)

    def timeout(self, after: Duration = 0, **how: Any) -> Fault:
        """Let nothing through, and close after so much silence; 0 never closes."""
        __tracebackhide__ = True
        return self.inject("timeout", after=after, **how)

    def reset_peer(self, after: Duration = 0, **how: Any) -> Fault:
        """Reset the connections, so long after they opened."""
        __tracebackhide__ = True
        return self.inject("reset_peer", after=after, **how)

    def slicer(self, size: int, *, variation: int = 0, delay: Duration = 0, **how: Any) -> Fault:
        """Cut data into pieces of about `size` bytes, `delay` apart."""
        __tracebackhide__ = True
        return self.inject("slicer", size=size, variation=variation, delay=delay, **how)

    def limit_data(self, bytes: int, **how: Any) -> Fault:  # noqa: A002 - the name is public
        """Hand on so many bytes, then close."""
        __tracebackhide__ = True
        return self.inject("limit_data", bytes=bytes, **how)

    def inject(
        self,
        kind: str,
        *,
        stream: Stream = "downstream",
        toxicity: float = 1.0,
        duration: Duration | None = None,
        must_fire: bool = True,
        **attributes: Any,
    ) -> Fault:
        """Return the network fault of that kind; it is injected where its `with` block begins.

        Raises:
            ValueError: the kind is unknown, or a value means nothing.
            TypeError: an attribute is unknown or missing.
        """
        __tracebackhide__ = True
        _check(stream, toxicity)
        known = network_kind(kind)
        settings = known.toxic_attributes(attributes)
        mechanism = (
            Closed(self.proxied)
            if known.toxic is None
            else Toxic(self.proxied, kind, _toxic(known.toxic, settings, stream, toxicity))
        )
        span = None if duration is None else seconds(duration, zero=False)
        return self.proxied.fault(kind, mechanism, duration=span, must_fire=must_fire)


def _toxic(kind: str, settings: Mapping[str, int], stream: str, toxicity: float) -> dict[str, Any]:
    return {"type": kind, "stream": stream, "toxicity": toxicity, "attributes": dict(settings)}


def _check(stream: str, toxicity: object) -> None:
    __tracebackhide__ = True
    if stream not in STREAMS:
        raise ValueError(f"stream is {stream!r}: it is one of {', '.join(STREAMS)}")
    if isinstance(toxicity, bool) or not isinstance(toxicity, int | float) or not 0 <= toxicity <= 1:
        raise ValueError(f"toxicity is {toxicity!r}: it is a probability, from 0 to 1")
