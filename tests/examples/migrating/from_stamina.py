from pytest_resilience import ExponentialBackoff, retry


@retry(
    max_retries=9,
    deadline=45,
    backoff=ExponentialBackoff(0.1, 5.0),
    retriable_exceptions=(ConnectionError,),
)
async def load(source):
    """Load rows; ten attempts, and 45 seconds, at most."""
    return await source.read()
