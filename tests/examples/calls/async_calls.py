from pytest_resilience import CircuitBreaker, Retry, retry

BREAKER = CircuitBreaker(failure_threshold=5, timeout=60, name="labs")


@retry(deadline=10)
@BREAKER
async def fetch_labs(client, stay_id):
    """Fetch a stay's laboratory values."""
    answer = await client.get(f"/stays/{stay_id}")
    answer.raise_for_status()
    return answer.json()


async def fetch_in_a_loop(client, stay_id):
    """Do the same with a block."""
    async for attempt in Retry(timeout=5):
        async with attempt, BREAKER.calling():
            answer = await client.get(f"/stays/{stay_id}")
            answer.raise_for_status()
    return answer.json()
