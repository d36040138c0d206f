from pytest_resilience import CircuitBreaker, Degraded, Pipeline, Retry


def rule_of_thumb(error):
    """Say something cautious when the model cannot."""
    return {"risk": "unknown", "because": type(error).__name__}


SERVING = Pipeline(
    fallback=rule_of_thumb,
    retry=Retry(max_retries=2, deadline=3),
    breaker=CircuitBreaker(name="model server"),
    timeout=1,
)


def risk(model, stay):
    """Return the model's answer, or the fallback's, which is marked."""
    answer = SERVING.call(model.predict, stay)
    if isinstance(answer, Degraded):
        return {**answer.value, "degraded": True}
    return answer
