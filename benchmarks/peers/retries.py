"""Every library's retry around the same function."""

import backoff
import pyresilience
import stamina
import tenacity
from peers.floors import flaky

from pytest_resilience import FixedDelay, Retry, RetryableError

OURS = "pytest-resilience"

stamina.instrumentation.set_on_retry_hooks(())  # its log would be most of what is measured


def retries(func):
    """Every library's retry around a function that succeeds at once."""
    return {
        OURS: Retry()(func),
        "tenacity": tenacity.retry(
            stop=tenacity.stop_after_attempt(4), wait=tenacity.wait_random_exponential(2, 60)
        )(func),
        "stamina": stamina.retry(on=RetryableError, attempts=4)(func),
        "backoff": backoff.on_exception(backoff.expo, RetryableError, max_tries=4)(func),
        "pyresilience": pyresilience.resilient(retry=pyresilience.RetryConfig(max_attempts=4))(func),
    }


def retries_at_once():
    """Every library's retry around a function that fails once, without delays."""
    no_wait = tenacity.wait_none()
    return {
        OURS: Retry(backoff=FixedDelay(0))(flaky()),
        "tenacity": tenacity.retry(stop=tenacity.stop_after_attempt(4), wait=no_wait)(flaky()),
        "stamina": stamina.retry(on=RetryableError, attempts=4, wait_initial=0, wait_jitter=0, wait_max=0)(
            flaky()
        ),
        "backoff": backoff.on_exception(
            backoff.constant, RetryableError, interval=0, jitter=None, max_tries=4
        )(flaky()),
        "pyresilience": pyresilience.resilient(
            retry=pyresilience.RetryConfig(max_attempts=4, delay=0, jitter=False, retry_on=(RetryableError,))
        )(flaky()),
    }
