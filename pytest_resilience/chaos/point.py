"""A point: one exact message or request of a service's traffic, with the faults that can go there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_resilience.chaos.fault import Fault
from pytest_resilience.chaos.mechanisms import AtMessage
from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.no_change import why_no_change
from pytest_resilience.chaos.outage import OutageAtMessage
from pytest_resilience.chaos.units import Duration, seconds
from pytest_resilience.chaos.wire import ProxiedService

_SQLSTATE = re.compile(r"(?!00)[0-9A-Z]{5}")
_USUAL = (("side", "request"), ("nth", 1))
"""What a trigger says also where the test did not."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the traffic where a fault can go.

    Args:
        service: whose traffic.
        when: the trigger, as the engine takes it.
        times: how many matches from the `nth` on are hit; none is all of them.
    """

    KINDS: ClassVar[tuple[str, ...]] = ("cut", "reset", "hang", "delay", "truncate", "down")
    """The fault kinds that can go here; each is a method."""

    service: ProxiedService
    when: Mapping[str, Any]
    times: int | None = 1

    def __post_init__(self) -> None:
        """Note it, until a fault is set there."""
        self.service.points[id(self)] = self

    @property
    def asked(self) -> str:
        """How a test asks for it, such as `postgres.at('COMMIT', side='reply')`."""
        given = dict(self.when) | ({} if self.times == 1 else {"times": self.times})
        words = [
            repr(value) if name in {"message", "request"} else f"{name}={value!r}"
            for name, value in given.items()
            if (name, value) not in _USUAL
        ]
        return f"{self.service.name}.at({', '.join(words)})"

    @property
    def kinds(self) -> Sequence[str]:
        """The fault kinds that can go here."""
        return self.KINDS

    def inject(self, kind: str, **attributes: Any) -> Fault:
        """Return the fault of that kind, by name.

        Raises:
            ValueError: no such kind can go here, or a value means nothing.
            TypeError: an attribute is unknown or missing.
        """
        __tracebackhide__ = True
        self._use()
        if kind not in self.KINDS:
            raise ValueError(f"no fault {kind!r} can go to a message; {nearest(kind, self.KINDS)}")
        fault: Fault = getattr(self, kind)(**attributes)
        return fault

    def cut(self, *, must_fire: bool = True) -> Fault:
        """End the connection there, with FIN."""
        return self.fault("cut", must_fire=must_fire)

    def reset(self, *, must_fire: bool = True) -> Fault:
        """End the connection there, with RST."""
        return self.fault("reset", must_fire=must_fire)

    def hang(self, *, keep: bool = False, must_fire: bool = True) -> Fault:
        """Let nothing through from there on; `keep` delivers on heal what was held."""
        return self.fault("hang", {"keep": keep}, must_fire=must_fire)

    def delay(self, by: Duration, *, must_fire: bool = True) -> Fault:
        """Hold the message, and what follows it, for so long."""
        self._use()
        return self.fault("delay", {"by": seconds(by, name="by", zero=False)}, must_fire=must_fire)

    def truncate(self, bytes: int, *, must_fire: bool = True) -> Fault:  # noqa: A002 - the name is public
        """Forward so many bytes of the message, then end the connection."""
        return self.fault("truncate", {"bytes": bytes}, must_fire=must_fire)

    def down(self, *, duration: Duration | None = None, must_fire: bool = True) -> Fault:
        """Take the service down there, for so long or until the fault heals."""
        self._use()
        span = None if duration is None else seconds(duration, zero=False)
        outage = OutageAtMessage(self.service, self.when, span)
        return self.service.fault("down", outage, where=self._where(), must_fire=must_fire)

    def fault(
        self, kind: str, attributes: Mapping[str, Any] | None = None, *, must_fire: bool = True
    ) -> Fault:
        """Return the fault of that kind at this point; not injected yet."""
        self._use()
        order = {
            "kind": kind,
            "attributes": dict(attributes or {}),
            "when": dict(self.when),
            "times": self.times,
        }
        mechanism = AtMessage(self.service, kind, order)
        return self.service.fault(kind, mechanism, where=self._where(), must_fire=must_fire)

    def _use(self) -> None:
        """Note that a fault is set here, also where its arguments are refused."""
        self.service.points.pop(id(self), None)

    def _where(self) -> str:
        return " at " + ", ".join(f"{key} {value}" for key, value in self.when.items())


@dataclass(frozen=True, slots=True)
class PostgresPoint(Point):
    """A message of PostgreSQL's protocol."""

    KINDS: ClassVar[tuple[str, ...]] = (*Point.KINDS, "error")

    def error(
        self,
        sqlstate: str,
        *,
        severity: str | None = None,
        message: str | None = None,
        detail: str | None = None,
        must_fire: bool = True,
    ) -> Fault:
        """Answer with an error of that SQLSTATE instead of handing the message on.

        Raises:
            ValueError: it is not the five characters of an error.
        """
        __tracebackhide__ = True
        self._use()
        if not _SQLSTATE.fullmatch(str(sqlstate)) or sqlstate != str(sqlstate):
            raise ValueError(
                f"sqlstate is {sqlstate!r}: it is the five characters of an error, such as 40001"
            )
        given = {"sqlstate": sqlstate, "severity": severity, "message": message, "detail": detail}
        return self.fault("error", _without_none(given), must_fire=must_fire)


@dataclass(frozen=True, slots=True)
class HttpPoint(Point):
    """A request of an HTTP service."""

    KINDS: ClassVar[tuple[str, ...]] = (*Point.KINDS, "respond", "slow", "bad_chunk")

    def respond(
        self,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        must_fire: bool = True,
    ) -> Fault:
        """Answer with this response; a `body` that is no text is sent as JSON."""
        given = {"status": status, "headers": headers, "body": body}
        return self.fault("respond", _without_none(given), must_fire=must_fire)

    def slow(self, rate: int, *, headers: bool = False, must_fire: bool = True) -> Fault:
        """Let the reply trickle at so many bytes a second, with `headers` its head too."""
        __tracebackhide__ = True
        self._use()
        useless = why_no_change("slow", {"rate": rate})
        if useless is not None:
            raise ValueError(useless[1])
        return self.fault("slow", {"rate": rate, "headers": headers}, must_fire=must_fire)

    def bad_chunk(self, *, must_fire: bool = True) -> Fault:
        """Let the reply break off in an invalid chunk."""
        return self.fault("bad_chunk", must_fire=must_fire)


def _without_none(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
