import logging

from pytest_resilience.events import CircuitOpened, subscribe
from pytest_resilience.runtime.listeners.opentelemetry import OpenTelemetryListener

log = logging.getLogger(__name__)


def tell_on_call(event):
    """Say that a dependency is given up for now."""
    if isinstance(event, CircuitOpened):
        log.critical("breaker %s opened after %d failures", event.breaker, event.failures)


def start_listening():
    """Call this once, when the program starts."""
    return [subscribe(tell_on_call), subscribe(OpenTelemetryListener())]
