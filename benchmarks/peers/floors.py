"""The jobs that are called, and floors: the least code that could do what is measured."""

import time

from pytest_resilience import RetryableError


def job():
    return 1


async def async_job():
    return 1


def flaky():
    """Return a function that fails and succeeds in turn."""
    failing = False

    def call():
        nonlocal failing
        failing = not failing
        if failing:
            raise RetryableError
        return 1

    return call


def guarded(func):
    """The floor of a retry: a try/except around a call."""

    def call(*args, **kwargs):
        try:
            return func(*args, **kwargs)
        except RetryableError:  # noqa: TRY203 - what is measured
            raise

    return call


def guarded_async(func):
    async def call(*args, **kwargs):
        try:
            return await func(*args, **kwargs)
        except RetryableError:  # noqa: TRY203 - what is measured
            raise

    return call


def looped(func):
    """The floor of a retry with a failure: a loop."""

    def call(*args, **kwargs):
        for left in (3, 2, 1, 0):
            try:
                return func(*args, **kwargs)
            except RetryableError:
                if not left:
                    raise
        return None

    return call


def counted(func, lock=None):
    """The floor of a breaker: a state, a count, and a lock if it must be."""
    failures, is_open = 0, False

    def call(*args, **kwargs):
        nonlocal failures
        if is_open:
            raise RuntimeError
        try:
            result = func(*args, **kwargs)
        except Exception:
            failures += 1
            raise
        if lock is None:
            failures = 0
            return result
        with lock:
            failures = 0
        return result

    return call


def refusing():
    """The floor of a refusal: look at the time, raise."""
    until = time.monotonic() + 3600

    def call():
        if time.monotonic() < until:
            raise ConnectionRefusedError

    return call


def caught(call, error):
    """Return a call whose refusal is caught, as a caller would."""

    def attempt():
        try:
            call()
        except error:
            return

    return attempt
