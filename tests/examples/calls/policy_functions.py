from pytest_resilience import RetryableError, retry_with_exponential_backoff, retry_with_fixed_delay


def take_lock(cursor, key):
    """Take an advisory lock that another job may hold for a while."""

    def once():
        cursor.execute("select pg_try_advisory_lock(%s)", (key,))
        if not cursor.fetchone()[0]:
            raise RetryableError(f"advisory lock {key} is held by another job; wait until it has finished")

    retry_with_fixed_delay(once, max_retries=3, delay=5.0)


def load(source):
    """Read a source whose connections break now and then."""
    return retry_with_exponential_backoff(source.read, retriable_exceptions=(ConnectionError, TimeoutError))
