"""What all tests share: pytest's own test bench for plugins, an outbox that is nobody's, real servers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.run_folder import RunFolder

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
def _outbox_of_the_tests(tmp_path_factory) -> Iterator[None]:
    """Keep the alerts of the tests out of the user's own outbox."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESILIENCE_OUTBOX", str(tmp_path_factory.mktemp("alerts") / "outbox.db"))
        yield


@pytest.fixture(scope="session")
def pool() -> Iterator[ServicePool]:
    """The servers of this session."""
    services = ServicePool(RunFolder.make())
    yield services
    services.stop()
