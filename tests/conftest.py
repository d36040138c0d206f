"""What all tests share: pytest's own test bench for plugins, and an outbox that is nobody's."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

# A shell starts its background jobs with Ctrl-C ignored, and they hand that on to their children.
signal.signal(signal.SIGINT, signal.default_int_handler)


# No test has a time limit; and what CI says of a commit does not depend on the draw.
settings.register_profile(
    "tests",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("tests")


@pytest.fixture(scope="session", autouse=True)
def _outbox_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep alerts that a test raises on the way out of the user's own outbox."""
    outbox: Path = tmp_path_factory.mktemp("outbox") / "alerts.db"
    patch = pytest.MonkeyPatch()
    patch.setenv("RESILIENCE_OUTBOX", str(outbox))
