"""Tests that are marked as evidence for items of the checklist."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from pytest_resilience.plugin.ledger import Ledger

TESTS = """
    import pytest

    @pytest.mark.chaos(proves=["transactions"])
    def test_sound(): pass

    @pytest.mark.chaos(proves=["backoff"])
    def test_unsound(): assert False, "it waits for ever"
"""


def test_marked_tests_are_evidence(pytester: pytest.Pytester) -> None:
    """What failed fails its item, with the test's last words; what was not proven at all stays unproven."""
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("--chaos", "--checklist")
    report = json.loads((pytester.path / "resilience-report" / "report.json").read_text())
    verdicts = {item["id"]: item["verdict"] for item in report["items"]}

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert (verdicts["transactions"], verdicts["backoff"]) == ("passed", "failed")
    assert set(verdicts.values()) - {"passed", "failed"} == {"unproven", "failed"} - {"failed"}


def test_an_item_that_there_is_not_is_refused(pytester: pytest.Pytester) -> None:
    """With the nearest one."""
    pytester.makepyfile(TESTS.replace("transactions", "transaction"))
    result = pytester.runpytest_subprocess("--chaos")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "did you mean 'transactions'" in result.stdout.str() + result.stderr.str()


def test_nothing_declared_is_never_a_pass(pytester: pytest.Pytester) -> None:
    """All ten items are unproven or failed, with reasons, and the run fails."""
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest_subprocess("--checklist")
    report = json.loads((pytester.path / "resilience-report" / "report.json").read_text())

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert report["gate"]["passed"] is False
    assert {item["verdict"] for item in report["items"]} <= {"unproven", "failed"}
    assert len(report["items"]) == 10
    (note,) = report["notes"]
    assert note.startswith(
        "nothing is declared in pytest's rootdir: no resilience.toml, and no [tool.resilience]"
    )
    result.stdout.fnmatch_lines(["nothing is declared in pytest's rootdir: *"])


@pytest.mark.parametrize(("start", "told"), [("plain", False), ("prepared", True)])
def test_what_may_fail_as_it_is_prepared_is_told_how_to_start_plain(
    pytester: pytest.Pytester, start: str, *, told: bool
) -> None:
    """By hand, which the gate asks for first, nothing is prepared: there it may work."""
    toml = f'[workloads.nightly]\ncommand = ["{{python}}", "-c", "raise SystemExit(1)"]\nuses = []\nstart = "{start}"\n'
    pytester.makefile(".toml", resilience=toml)
    pytester.runpytest_subprocess("--checklist")
    report = json.loads((pytester.path / "resilience-report" / "report.json").read_text())
    fixes = {
        each["fix"] for item in report["items"] for each in item["evidence"] if each["kind"] == "dynamic"
    }

    assert fixes
    assert {('set start = "plain"' in fix, "by hand" in fix) for fix in fixes} == {(told, True)}


def test_a_warning_mode_reports_and_fails_nothing(pytester: pytest.Pytester) -> None:
    """The verdicts are the same."""
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest_subprocess("--checklist", "--checklist-mode=warn")

    assert result.ret == 0
    assert (pytester.path / "resilience-report" / "index.html").exists()


def test_pytests_own_junit_file_has_the_verdicts(pytester: pytest.Pytester) -> None:
    """The properties are there before pytest writes the file, also under pytest-xdist."""
    pytester.makepyfile(TESTS)
    for more in ((), ("-n", "1")):
        pytester.runpytest_subprocess("--chaos", "--checklist", "--junitxml=junit.xml", *more)
        root = ET.parse(pytester.path / "junit.xml").getroot()  # noqa: S314 - pytest wrote it
        properties = {each.get("name"): each.get("value") for each in root.iter("property")}

        assert properties["resilience.gate"] == "failed"
        assert properties["resilience.item.transactions"] == "passed"
        assert "it waits for ever" in properties["resilience.item.backoff.why"]


def test_what_is_tried_again_leaves_the_report_of_the_whole_run(pytester: pytest.Pytester) -> None:
    """A part has a report of its own beside it; the next whole run has its place again."""
    pytester.makepyfile(TESTS)
    whole = pytester.path / "resilience-report" / "report.json"
    pytester.runpytest_subprocess("--chaos", "--checklist")
    first = whole.read_text()
    part = pytester.runpytest_subprocess("--chaos", "--checklist", "-k", "unsound")
    after = whole.read_text()
    pytester.runpytest_subprocess("--chaos", "--checklist")

    assert after == first
    part.stdout.fnmatch_lines(["report: resilience-report/part/index.html"])
    assert (whole.parent / "part" / "report.json").exists()
    assert whole.read_text() != first


@pytest.mark.parametrize(("facts", "failed"), [({"experiment": "a", "outcome": "failed"}, 0), ({}, 1)])
def test_a_failed_experiment_is_no_failed_test(facts: dict, failed: int) -> None:
    """Its item judges it: where a waiver covers that, an attestation must not refuse the commit for a test."""
    report = pytest.TestReport(
        "resilience::a", ("resilience", None, "a"), {}, outcome="failed", longrepr="it broke", when="call"
    )
    vars(report)["resilience"] = json.dumps(facts | {"evidence": [], "found": None, "point": None})
    ledger = Ledger()
    ledger.take(report)

    assert ledger.tests["failed"] == failed
