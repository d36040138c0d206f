"""`/metrics` in Prometheus's text format: bytes under Toxiproxy's names, and the process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from pytest_resilience.proxy.engine import Engine
from pytest_resilience.proxy.http_message import Request, Response
from pytest_resilience.proxy.meter import Meter
from pytest_resilience.proxy.process_metrics import process_samples
from pytest_resilience.proxy.routing import Route

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
"""What Toxiproxy's library sends."""

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


@dataclass(frozen=True, slots=True)
class Family:
    """All samples of one name; each has its labels and its value."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[dict[str, str], float], ...]


async def show_metrics(engine: Engine, _: Request) -> Response:
    """Answer with what was switched on."""
    families: list[Family] = []
    if engine.settings.runtime_metrics:
        families += [
            Family(name, kind, text, (({}, value),)) for name, kind, text, value in process_samples()
        ]
    if engine.settings.proxy_metrics:
        families += _traffic(engine.meter)
    text = "".join(_lines(sorted(families, key=lambda family: family.name)))
    return Response(200, text.encode(), (("Content-Type", CONTENT_TYPE),))


METRICS_ROUTES = (Route("", "/metrics", show_metrics),)
"""Any verb, as in Toxiproxy; only there if metrics were switched on."""


def _traffic(meter: Meter) -> Iterator[Family]:
    counts = list(meter.counts())
    for name in ("received", "sent"):
        samples = tuple(
            (
                {
                    "direction": series.direction,
                    "listener": series.listener,
                    "proxy": series.proxy,
                    "upstream": series.upstream,
                },
                float(count.received if name == "received" else count.sent),
            )
            for series, count in counts
        )
        if samples:
            yield Family(f"toxiproxy_proxy_{name}_bytes_total", "counter", "", samples)


def _lines(families: Iterable[Family]) -> Iterator[str]:
    for family in families:
        yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind}\n"
        for labels, value in family.samples:
            written = ",".join(f'{name}="{text.translate(_ESCAPES)}"' for name, text in labels.items())
            yield f"{family.name}{f'{{{written}}}' if written else ''} {go_float(value)}\n"


def go_float(value: float) -> str:
    """Write the shortest digits that make the same float; below 0.0001 and from a million on with an exponent."""
    if value == 0:
        return "0"
    _, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    power = len(digits) + int(exponent) - 1
    if -4 <= power < 6:
        return f"{Decimal(repr(value)).normalize():f}"
    mantissa = "".join(map(str, digits))
    fraction = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{'-' if value < 0 else ''}{mantissa[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"
