from pytest_resilience import ExponentialBackoff, Retry, retry


@retry(max_retries=4, backoff=ExponentialBackoff(1.0, 60.0, "full"), retriable_exceptions=(ConnectionError,))
def load(source):
    """Load rows; five attempts in all, exponential delays with full jitter."""
    return source.read()


def load_in_a_loop(source):
    """Do the same with a block."""
    for attempt in Retry(max_retries=4, retriable_exceptions=(ConnectionError,)):
        with attempt:
            rows = source.read()
    return rows
