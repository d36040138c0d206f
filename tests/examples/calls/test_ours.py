import pytest

from pytest_resilience import RetryableError, retry_with_exponential_backoff
from pytest_resilience.events import GaveUp
from pytest_resilience.testing import FlakyCall, event_log, virtual_time


def test_three_retries_take_fourteen_seconds_which_pass_at_once():
    """The real default delays, without waiting for them."""
    call = FlakyCall(RetryableError("down"))
    with virtual_time() as clock, event_log() as log, pytest.raises(RetryableError):
        retry_with_exponential_backoff(call, jitter=False)

    assert clock.sleeps == [2.0, 4.0, 8.0]
    assert log.of(GaveUp)[0].attempts == 4
