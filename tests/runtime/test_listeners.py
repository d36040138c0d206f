"""Events as log records, and for OpenTelemetry."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import fields

import pytest

from pytest_resilience import events
from pytest_resilience.runtime.listeners.logging import LINES, log_event

SAMPLES = {"int": 3, "float": 2.0, "str": "labs", "bool": True}


def sample(kind):
    """Return an event of a kind, with a value of each field's type."""
    return kind(**{field.name: SAMPLES.get(field.type, ConnectionError("down")) for field in fields(kind)})


@pytest.mark.parametrize("kind", events.EVENTS)
def test_every_event_is_one_log_record(kind, caplog):
    """One line; the facts are attributes of the record."""
    caplog.set_level(logging.DEBUG)
    event = sample(kind)
    log_event(event)
    (record,) = caplog.records

    assert (kind.__name__, "pytest_resilience") == (record.event, record.name)
    assert "\n" not in record.getMessage()
    for field in fields(kind):
        if field.type in SAMPLES:
            assert SAMPLES[field.type] == getattr(record, field.name)


def test_every_event_has_a_line():
    """None is forgotten."""
    assert set(events.EVENTS) == set(LINES)


def test_a_record_tells_the_error_without_secrets(caplog):
    """Type and message; what must not be seen is taken out, and no traceback repeats it."""
    log_event(events.AttemptFailed("load", 1, ConnectionError("password=hunter2 for 10.0.0.7"), 2.0))
    (record,) = caplog.records

    assert record.error_type == "ConnectionError"
    assert "ConnectionError" in record.getMessage()
    assert "hunter2" not in caplog.text
    assert record.exc_info is None


def test_an_exception_that_cannot_be_printed_is_logged_all_the_same(caplog):
    """Its `__str__` is foreign code."""

    class BrokenError(Exception):
        def __str__(self):
            raise ZeroDivisionError

    log_event(events.AttemptFailed("load", 1, BrokenError(), 2.0))

    assert "BrokenError: its message could not be made: ZeroDivisionError" in caplog.text


def test_records_of_one_operation_share_its_correlation_id(caplog):
    """Inside a named operation."""
    from pytest_resilience.runtime.correlation import operation

    with operation("ingest", correlation_id="abc"):
        log_event(sample(events.GaveUp))

    assert caplog.records[0].correlation_id == "abc"


def test_an_unknown_event_is_logged_by_its_name(caplog):
    """A listener is told events of all kinds, later ones too."""
    from dataclasses import dataclass

    @dataclass
    class MoonRose:
        where: str

    caplog.set_level(logging.INFO)
    log_event(MoonRose("east"))

    assert (caplog.records[0].getMessage(), caplog.records[0].where) == ("MoonRose", "east")


def test_opentelemetry_gets_span_events_and_counts():
    """An event on the current span with the facts, and a counter by kind; an exception as its class only."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider

    from pytest_resilience.runtime.listeners.opentelemetry import OpenTelemetryListener

    reader = InMemoryMetricReader()
    listener = OpenTelemetryListener(meter_provider=MeterProvider(metric_readers=[reader]))
    with TracerProvider().get_tracer("test").start_as_current_span("ingest") as span:
        for _ in range(2):
            listener(sample(events.AttemptFailed))
        listener(sample(events.CircuitOpened))
    counts = {
        point.attributes["event"]: point.value
        for resource in reader.get_metrics_data().resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    }

    assert counts == {"AttemptFailed": 2, "CircuitOpened": 1}
    assert [event.name for event in span.events] == ["resilience.AttemptFailed"] * 2 + [
        "resilience.CircuitOpened"
    ]
    assert dict(span.events[0].attributes) == {
        "resilience.operation": "labs",
        "resilience.attempt": 3,
        "resilience.delay": 2.0,
        "resilience.error_type": "ConnectionError",
    }


def test_listeners_are_imported_only_when_used():
    """A program without trouble pays for neither logging nor OpenTelemetry."""
    program = (
        "import sys; from pytest_resilience import Retry, CircuitBreaker;"
        "Retry()(int)(); CircuitBreaker()(int)();"
        "print([name for name in ('logging', 'opentelemetry', 'asyncio', 'random') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
