"""Events for OpenTelemetry: an event on the current span, and a count for the metrics."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

_LABELS = ("operation", "breaker")


class OpenTelemetryListener:
    """Tell OpenTelemetry each event; give it to a policy, or to `pytest_resilience.events.subscribe`.

    What an exception says stays out: it may quote rows, URLs or passwords. Its class goes in.

    Args:
        meter_provider: where the counter `resilience.events` is made; default: the global one.
    """

    def __init__(self, *, meter_provider: Any = None) -> None:
        from opentelemetry import metrics, trace  # noqa: PLC0415 - a third-party library, for who uses it

        provider = meter_provider or metrics.get_meter_provider()
        self._current_span = trace.get_current_span
        self._counter = provider.get_meter("pytest_resilience").create_counter(
            "resilience.events", unit="{event}", description="What the resilience runtime did, by kind."
        )

    def __call__(self, event: Any) -> None:
        """Record one event."""
        kind = type(event).__name__
        facts = {f"resilience.{name}": value for name, value in _facts(event).items()}
        self._current_span().add_event(f"resilience.{kind}", facts)
        labels = {name: getattr(event, name) for name in _LABELS if hasattr(event, name)}
        self._counter.add(1, {"event": kind, **labels})


def _facts(event: Any) -> dict[str, str | int | float]:
    """Return an event's fields as attributes of a span: numbers and texts, an exception as its class's name."""
    facts: dict[str, str | int | float] = {}
    for field in fields(event):
        value = getattr(event, field.name)
        if isinstance(value, BaseException):
            facts["error_type"] = type(value).__name__
        elif isinstance(value, (str, int, float)):
            facts[field.name] = value
    return facts
