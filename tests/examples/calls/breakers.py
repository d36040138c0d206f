import logging

from pytest_resilience import BreakerRegistry, CircuitBreaker, CircuitBreakerOpenError

LABS = CircuitBreaker(failure_threshold=5, timeout=60, expected_exception=ConnectionError, name="labs")
BY_HOST = BreakerRegistry(failure_threshold=3, failure_rate=0.5, slow_call=2.0, slow_rate=0.5)

log = logging.getLogger(__name__)


@LABS
def fetch_labs(client, stay_id):
    """Fetch a stay's laboratory values."""
    return client.get(stay_id)


def values_or_none(client, stay_id):
    """Do without them while the laboratory is down."""
    try:
        return fetch_labs(client, stay_id)
    except CircuitBreakerOpenError as refused:
        log.warning("no laboratory values for another %.0f s", refused.retry_after)
        return None


def ping(host, connect):
    """Use one breaker for each host."""
    with BY_HOST.get(host).calling():
        return connect(host)
