"""The examples of the page about models do what the page says, on a real MLflow server."""

from __future__ import annotations

import runpy
from pathlib import Path

import pandas as pd
import pytest

from pytest_resilience.runtime.models.fallback import FALLBACKS

EXAMPLES = Path(__file__).parents[2] / "examples" / "models"
ROWS = pd.DataFrame({"age": [90.0, 40.0]})


@pytest.fixture
def _icu_mortality(client):
    """Leave nothing of the examples' model to the next test."""
    yield
    FALLBACKS.disable("icu_mortality")
    client.delete_registered_model("icu_mortality")


@pytest.mark.usefixtures("_icu_mortality")
def test_what_the_page_shows(register_at):
    """A right version is released and served; a wrong one is not, and says so; without a model the rule answers."""
    release = runpy.run_path(str(EXAMPLES / "deploy.py"))["release"]
    serving = runpy.run_path(str(EXAMPLES / "serve.py"))
    good, wrong = register_at("icu_mortality", 0.2), register_at("icu_mortality", 0.9)
    server = serving["make_server"]()

    degraded = serving["answer"](server, ROWS)
    released = release(good, ROWS, [0.2, 0.2])
    with pytest.raises(SystemExit, match="golden request"):
        release(wrong, ROWS, [0.2, 0.2])
    recovered = serving["on_complaint"](server)

    assert degraded == {"risk": [0.3, 0.1], "model_version": None, "degraded": True}
    assert (released["status"], recovered) == ("success", True)
    assert serving["answer"](server, ROWS) == {"risk": [0.2, 0.2], "model_version": good, "degraded": False}
