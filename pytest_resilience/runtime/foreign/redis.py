"""Redis: redis-py by class."""

from __future__ import annotations

from pytest_resilience.runtime.foreign.verdict import Verdict, fatal, look_up, retryable

_UNREACHED = retryable("the Redis server could not be reached", "Try again; see whether it is up.")

KINDS: dict[str, Verdict] = {
    "redis.exceptions.AuthenticationError": fatal(
        "Redis refused these credentials", "Check user and password."
    ),
    "redis.exceptions.AuthorizationError": fatal("Redis refused the permission", "Check the user's rights."),
    "redis.exceptions.ConnectionError": _UNREACHED,
    "redis.exceptions.TimeoutError": retryable("Redis did not answer in time"),
    "redis.exceptions.TryAgainError": retryable("the Redis cluster is moving its keys"),
    "redis.exceptions.ClusterDownError": _UNREACHED,
    "redis.exceptions.RedisError": fatal("Redis refused the command", "Correct the command."),
}
"""By class; the nearest base that is named here decides."""


def judge(error: BaseException) -> Verdict | None:
    """Return the verdict on an exception of redis-py."""
    return look_up(KINDS, error)
