"""How the real service would answer one request, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_resilience.services.alert_inbox.http import Request, Response


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer to one request; it is accepted where there are no reasons against it.

    Args:
        response: what the real service would answer.
        body: what was sent, parsed as far as it could be.
        reasons: what is wrong with it, in the service's own words where they are known.
    """

    response: Response
    body: Any
    reasons: tuple[str, ...] = ()


Judge = Callable[[Request], Judgement]
