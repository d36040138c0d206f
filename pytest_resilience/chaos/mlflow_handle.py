"""The MLflow handle: a tracking server behind its proxy, and a prefix for what one test keeps there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pytest_resilience.chaos.http_handle import HttpHandle


@dataclass(frozen=True, slots=True, repr=False)
class MlflowHandle(HttpHandle):
    """A tracking server behind a proxy.

    Args:
        prefix: begins the names of this test's experiments and models, so that tests that share a server
            do not meet.
    """

    _word: ClassVar[str] = "mlflow"
    prefix: str = ""

    @property
    def tracking_uri(self) -> str:
        """What MLflow's clients take, through the proxy."""
        return self.url
