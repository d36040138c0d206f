"""Database recovery: prove that a lost database is back, and hold work until it is."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import FatalError, RetryableError
from pytest_resilience.events import Listener
from pytest_resilience.runtime.database.connect import connection_keywords
from pytest_resilience.runtime.database.probe import check_answers
from pytest_resilience.runtime.retry import retry_with_exponential_backoff

logger = logging.getLogger(__name__)


def recover_database_connection(
    db_config: Mapping[str, Any],
    max_retries: int = 3,
    *,
    timeout: float = 5.0,
    listeners: tuple[Listener, ...] | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> bool:
    """Try until the database answers `SELECT 1`; return whether it did (policy §6).

    Args:
        db_config: libpq's keywords, or `dsn` or `url` with a connection string.
        max_retries: how many tries there are, 1, 2, 4 … seconds apart; none waits after the last one.
        timeout: seconds for one try, connecting included.
        listeners: told of each failed try.
        clock: where time comes from.

    Raises:
        FatalError: the configuration makes no sense.
    """
    _refuse_no_tries(max_retries)
    keywords = connection_keywords(db_config)
    try:
        retry_with_exponential_backoff(
            partial(check_answers, keywords, timeout=timeout),
            max_retries - 1,
            1.0,
            jitter=False,
            operation="recover_database_connection",
            listeners=listeners,
            clock=clock,
        )
    except (RetryableError, FatalError) as error:
        logger.error("the database is not back: %s", error)  # noqa: TRY400 - libpq's words say it all
        return False
    logger.info("the database answers again")
    return True


def _refuse_no_tries(max_retries: object) -> None:
    if isinstance(max_retries, bool) or not isinstance(max_retries, int) or max_retries < 1:
        raise FatalError(f"max_retries must be 1 or more tries, got {max_retries!r}")
