"""The platform's scenarios are worth something: each goes red where the code has the mistake that it looks for."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = re.compile(r"^\[tool\.resilience\]$.*?(?=^\[tool\.ruff\])", re.MULTILINE | re.DOTALL)
NEVER_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc")

AGENT, EXPORT, TRANSFER = (
    "icu_platform/ingestion_agent.py",
    "icu_platform/export.py",
    "icu_platform/transfer.py",
)
INGEST = "ingest_data_with_checkpoint(\n                source, table, dsn=self._dsn,"


@pytest.fixture
def planted(pytester: pytest.Pytester):
    """Return a function that copies the platform, plants a mistake, and runs scenarios of the copy."""
    scenarios = pytester.path / "scenarios"
    shutil.copytree(ROOT / "scenarios", scenarios, ignore=NEVER_COPIED)
    shutil.copy(ROOT / "pytest_resilience/runtime/ingestion/agent.py", scenarios / AGENT)
    text = SETTINGS.search((ROOT / "pyproject.toml").read_text()).group()
    declared = re.sub(r"^link = .*\n", "", text, flags=re.MULTILINE)
    pytest_too = (
        '[tool.pytest.ini_options]\npythonpath = ["scenarios"]\naddopts = ["--import-mode=importlib"]\n'
    )
    (pytester.path / "pyproject.toml").write_text(declared + pytest_too)

    def run(file: str, right: str, wrong: str, *paths: str) -> pytest.RunResult:
        place = scenarios / file
        before = place.read_text()
        assert before.count(right) == 1
        place.write_text(before.replace(right, wrong))
        named = [f"scenarios/{path}" for path in paths]
        return pytester.runpytest_subprocess("--chaos", "--chaos-explore=off", "--chaos-seed=1", *named)

    return run


def verdicts(pytester: pytest.Pytester) -> dict[str, str]:
    """Return the verdict of each scenario file."""
    report = json.loads((pytester.path / "resilience-report" / "report.json").read_text())
    return {Path(each["id"]).stem: each["verdict"] for each in report["scenarios"]}


FILES = {
    "begins anew after a loss": (
        (AGENT, INGEST, INGEST + " start_over=True,"),
        ("commit-reply-lost", "flaps", "lost-after-20-rows"),
    ),
    "does not wait for the database": (
        (AGENT, "self._guard.call(self._ingest_once, run)", "self._ingest_once(run)"),
        ("paused-and-resumed",),
    ),
    "pages nobody": ((AGENT, "alert=self._page", "alert=None"), ("keeps-going-away", "paused-and-resumed")),
    "tells it to nobody who looks": (
        (AGENT, '{"component": "data_pipeline"}, "HIGH"', "{}, 'LOW'"),
        ("read-only",),
    ),
    "tries nothing again but losses": (
        (
            AGENT,
            "return retry_with_exponential_backoff(\n            lambda: ",
            "return (lambda f, **_: f())(\n lambda: ",
        ),
        ("disk-full",),
    ),
}


@pytest.mark.parametrize("bug", FILES)
def test_scenario_file_goes_red(bug: str, planted, pytester: pytest.Pytester) -> None:
    """The mistake is seen by each scenario that is about it: failed, and not for want of a fault."""
    mistake, files = FILES[bug]
    planted(*mistake, *(f"database/{name}.yaml" for name in files))

    assert verdicts(pytester) == dict.fromkeys(files, "failed")


TESTS = {
    "no marker": (
        (
            TRANSFER,
            '            marker=CommitMarker(name=f"transfer-{transfer_id}", reconnect=connect),\n',
            "",
        ),
        "test_transactions.py::test_ambiguous_commit_is_resolved",
        ["*assert*unknown*"],
    ),
    "not run again": (
        (TRANSFER, "timeout=30", "timeout=30, max_retries=0"),
        "test_transactions.py::test_collision_runs_the_whole_unit_again",
        ["*assert*False*"],
    ),
    "damage trusted": (
        (
            EXPORT,
            "checkpoints.load_checkpoint(OPERATION) or BEGIN",
            'eval((f := checkpoints.checkpoint_dir / f"{OPERATION}.json").exists() and f.read_text() or str(BEGIN))',
        ),
        "test_checkpoints.py::test_damaged_checkpoint_is_not_trusted",
        ["*test_damaged_checkpoint_is_not_trusted*"],
    ),
    "from zero after damage": (
        (
            EXPORT,
            "    state = checkpoints.load_checkpoint(OPERATION) or BEGIN\n",
            (
                "    try:\n        state = checkpoints.load_checkpoint(OPERATION) or BEGIN\n"
                "    except Exception:\n        state = BEGIN\n"
            ),
        ),
        "test_checkpoints.py::test_no_intact_checkpoint_is_not_taken_for_none",
        ["*DID NOT RAISE*CheckpointDamagedError*"],
    ),
}


@pytest.mark.parametrize("bug", TESTS)
def test_scenario_test_goes_red(bug: str, planted) -> None:
    """The same of scenarios in Python, each on the assertion that is about the mistake."""
    mistake, test, words = TESTS[bug]
    result = planted(*mistake, test)

    assert result.parseoutcomes().get("failed", 0) > 0
    result.stdout.fnmatch_lines(words)


def test_a_copy_without_a_mistake_is_green(planted, pytester: pytest.Pytester) -> None:
    """So it is the mistakes that the others see."""
    green = ["flaps", "disk-full"]
    paths = [f"database/{name}.yaml" for name in green]
    result = planted(AGENT, "import logging\n", "import logging\n", *paths, "test_transactions.py")

    assert result.parseoutcomes().get("failed", 0) == 0
    assert verdicts(pytester) == dict.fromkeys(green, "passed")
