"""All fault kinds as data: what each does, what it takes, and where it can go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pytest_resilience.chaos.configuration.model import ServiceKind

AttributeType: TypeAlias = Literal[
    "duration",
    "some time",
    "signed duration",
    "bytes",
    "some bytes",
    "flag",
    "text",
    "sqlstate",
    "severity",
    "status",
    "headers",
    "json",
    "stream",
    "probability",
]
"""What an attribute's value is; `some bytes` and `some time` are more than 0, a `signed duration` may be negative."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindAttribute:
    """One attribute of a fault kind.

    Args:
        name: its key.
        type: what its value is.
        text: what it means, one line.
        required: whether it has to be given.
        default: what it is where it is not given.
    """

    name: str
    type: AttributeType
    text: str
    required: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One fault kind.

    Args:
        name: its key.
        text: what it does, one line.
        attributes: what it takes.
        services: the kinds of services that it goes to; for a process fault those that can trigger it.
        needs_message: it acts at a message, so its trigger has to be one.
        process: it acts on the workload.
        workloads: `any`, or `python`.
    """

    name: str
    text: str
    attributes: tuple[KindAttribute, ...] = ()
    services: tuple[ServiceKind, ...]
    needs_message: bool = False
    process: bool = False
    workloads: Literal["any", "python"] = "any"

    @property
    def required(self) -> tuple[str, ...]:
        """The attributes that have to be given."""
        return tuple(attribute.name for attribute in self.attributes if attribute.required)

    @property
    def is_network(self) -> bool:
        """Whether it acts on connections, whatever passes on them."""
        return not (self.needs_message or self.process)

    def complete(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the attributes with every default written out."""
        return {attribute.name: attribute.default for attribute in self.attributes} | dict(attributes)


_ANY: tuple[ServiceKind, ...] = ("postgres", "mlflow", "http", "tcp")
_MESSAGES: tuple[ServiceKind, ...] = ("postgres", "mlflow", "http")
_WEB: tuple[ServiceKind, ...] = ("mlflow", "http")


def _duration(name: str, text: str, *, required: bool = False, default: float | None = None) -> KindAttribute:
    return KindAttribute(name=name, type="duration", text=text, required=required, default=default)


_LIVE = (
    KindAttribute(
        name="stream",
        type="stream",
        text="downstream acts on replies, upstream on requests",
        default="downstream",
    ),
    KindAttribute(
        name="toxicity", type="probability", text="share of the connections that it acts on", default=1.0
    ),
)
_NETWORK = (
    FaultKind(name="down", text="connections end, new ones are refused", services=_ANY),
    FaultKind(
        name="latency",
        text="data comes later",
        attributes=(
            _duration("delay", "how much later", required=True),
            _duration("jitter", "give or take so much", default=0.0),
            *_LIVE,
        ),
        services=_ANY,
    ),
    FaultKind(
        name="bandwidth",
        text="data trickles",
        attributes=(
            KindAttribute(
                name="rate", type="bytes", text="bytes a second; 0 holds all data back", required=True
            ),
            *_LIVE,
        ),
        services=_ANY,
    ),
    FaultKind(
        name="slow_close",
        text="a closed connection stays open for a while",
        attributes=(KindAttribute(name="delay", type="some time", text="how long", required=True), *_LIVE),
        services=_ANY,
    ),
    FaultKind(
        name="timeout",
        text="data is lost, then the connection ends",
        attributes=(
            _duration("after", "the silence before its end; 0 never ends it", default=0.0),
            *_LIVE,
        ),
        services=_ANY,
    ),
    FaultKind(
        name="reset_peer",
        text="connections are reset",
        attributes=(_duration("after", "how long after they opened", default=0.0), *_LIVE),
        services=_ANY,
    ),
    FaultKind(
        name="slicer",
        text="data comes in small pieces",
        attributes=(
            KindAttribute(name="size", type="some bytes", text="bytes of a piece", required=True),
            KindAttribute(
                name="variation", type="bytes", text="give or take so many, at most size", default=0
            ),
            _duration("delay", "the pause between two pieces", default=0.0),
            *_LIVE,
        ),
        services=_ANY,
    ),
    FaultKind(
        name="limit_data",
        text="so many bytes pass, then the connection ends",
        attributes=(
            KindAttribute(name="bytes", type="bytes", text="how many", required=True),
            *_LIVE,
        ),
        services=_ANY,
    ),
)
_AT_A_MESSAGE = (
    FaultKind(name="cut", text="the connection ends (FIN)", services=_MESSAGES, needs_message=True),
    FaultKind(name="reset", text="the connection is reset (RST)", services=_MESSAGES, needs_message=True),
    FaultKind(
        name="hang",
        text="nothing passes any more",
        attributes=(
            KindAttribute(
                name="keep", type="flag", text="deliver on heal what was held, else drop it", default=False
            ),
        ),
        services=_MESSAGES,
        needs_message=True,
    ),
    FaultKind(
        name="delay",
        text="the message, and what follows it, waits",
        attributes=(KindAttribute(name="by", type="some time", text="how long", required=True),),
        services=_MESSAGES,
        needs_message=True,
    ),
    FaultKind(
        name="truncate",
        text="the beginning of the message passes, then the connection ends",
        attributes=(KindAttribute(name="bytes", type="bytes", text="how much of it passes", required=True),),
        services=_MESSAGES,
        needs_message=True,
    ),
    FaultKind(
        name="error",
        text="an error instead of the answer",
        attributes=(
            KindAttribute(
                name="sqlstate", type="sqlstate", text="its code; quotes are optional", required=True
            ),
            KindAttribute(
                name="severity",
                type="severity",
                text="ERROR, FATAL or PANIC; by default ERROR, and FATAL for 57P01 to 57P03 and 08*",
            ),
            KindAttribute(
                name="message",
                type="text",
                text="its primary message",
                default="error injected by pytest-resilience",
            ),
            KindAttribute(name="detail", type="text", text="its detail"),
        ),
        services=("postgres",),
        needs_message=True,
    ),
    FaultKind(
        name="respond",
        text="this response instead of the server's",
        attributes=(
            KindAttribute(name="status", type="status", text="its status, 200 to 599", required=True),
            KindAttribute(name="headers", type="headers", text="its headers"),
            KindAttribute(name="body", type="json", text="its body: a text, or what is sent as JSON"),
        ),
        services=_WEB,
        needs_message=True,
    ),
    FaultKind(
        name="slow",
        text="the reply trickles",
        attributes=(
            KindAttribute(name="rate", type="some bytes", text="bytes a second", required=True),
            KindAttribute(name="headers", type="flag", text="its head too", default=False),
        ),
        services=_WEB,
        needs_message=True,
    ),
    FaultKind(
        name="bad_chunk",
        text="the reply breaks off in an invalid chunk",
        services=_WEB,
        needs_message=True,
    ),
)
_DELIVER = KindAttribute(
    name="deliver", type="flag", text="pass the message on, where it is a request", default=False
)
_PROCESS = (
    FaultKind(
        name="kill",
        text="the workload is killed (SIGKILL)",
        attributes=(_DELIVER,),
        services=_ANY,
        process=True,
    ),
    FaultKind(
        name="pause",
        text="the workload stops (SIGSTOP), for a second where `for` says no other time",
        attributes=(_DELIVER,),
        services=_ANY,
        process=True,
    ),
    FaultKind(
        name="disk_full",
        text="writing fails: no space left on device",
        attributes=(
            KindAttribute(name="path", type="text", text="below which folder or file", default="."),
            KindAttribute(name="bytes", type="bytes", text="how much may still be written", default=0),
        ),
        services=_ANY,
        process=True,
        workloads="python",
    ),
    FaultKind(
        name="clock_jump",
        text="the wall clock jumps",
        attributes=(
            KindAttribute(
                name="by", type="signed duration", text="how far; back, where it is negative", required=True
            ),
        ),
        services=_ANY,
        process=True,
        workloads="python",
    ),
)

FAULT_KINDS: tuple[FaultKind, ...] = (*_NETWORK, *_AT_A_MESSAGE, *_PROCESS)
"""All of them: on connections, at messages, on the workload."""
