"""Exploration as test items: every fault point is one, and what is found is written down and replays."""

from __future__ import annotations

import json
import shlex
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from ingestion import BROKEN, POSITION_AFTER, write_ingestion

COMMIT = "resilience::transactions::ingest::warehouse::COMMIT-2-reply-lost-reply"


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest on the project in the current folder."""
    return pytester.runpytest_subprocess("--chaos", "--chaos-seed=1", *arguments)


def report_of(pytester: pytest.Pytester) -> dict:
    """What the run has reported."""
    return json.loads((pytester.path / "resilience-report" / "report.json").read_text())


def test_a_sound_workload_survives_what_does_not_hang(pytester: pytest.Pytester) -> None:
    """It has no time-outs of its own, and nobody said that it has."""
    write_ingestion(pytester.path)
    result = run(pytester, "-k", "not hang")
    coverage = report_of(pytester)["coverage"]

    assert result.parseoutcomes().get("failed", 0) == 0
    assert result.ret == 0
    assert coverage["survived"] == coverage["exercised"] > 5
    assert coverage["points"] >= coverage["exercised"]


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_one_point_is_asked_for_by_name(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """As a path is, and nothing else runs; also under pytest-xdist, whose workers get the command line anew."""
    write_ingestion(pytester.path)
    pytester.makepyfile("def test_plain(): pass")
    run(pytester, COMMIT, *workers).assert_outcomes(passed=1)


def test_an_item_is_asked_for_by_its_name(pytester: pytest.Pytester) -> None:
    """Also one that is judged on what was said under other items' faults; the others say that they did not run."""
    write_ingestion(pytester.path)
    result = run(pytester, "--checklist", "-k", "messages and refused")
    items = {each["id"]: each for each in report_of(pytester)["items"]}

    assert result.parseoutcomes()["deselected"] > 10
    assert [each["subject"] for each in items["messages"]["evidence"] if each["kind"] == "dynamic"]
    assert items["transactions"]["verdict"] == "unproven"
    assert "did not run (left out by -k)" in items["transactions"]["why"]


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_name_that_is_none_is_refused(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """With the nearest one, and exit status 4."""
    write_ingestion(pytester.path)
    result = run(pytester, COMMIT.replace("COMMIT", "COMIT"), *workers)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"did you mean '{COMMIT}'" in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize(
    ("subject", "workers", "expected"),
    [("*", (), {"xfailed": 1}), ("*", ("-n", "1"), {"xfailed": 1}), ("another", (), {"failed": 1})],
)
def test_what_a_waiver_covers_is_expected_to_fail(
    pytester: pytest.Pytester, subject: str, workers: tuple[str, ...], expected: dict[str, int]
) -> None:
    """What the gate lets pass ends no run with `-x`, and pytest's last line does not contradict the verdict."""
    write_ingestion(pytester.path, POSITION_AFTER)
    waiver = {
        "item": "transactions",
        "subject": subject,
        "reason": "the position is mended in May",
        "owner": "ana",
        "approver": "ben",
        "expires": str(date.today() + timedelta(days=9)),  # noqa: DTZ011 - some day to come, in any zone
    }
    text = "\n".join(("[[waiver]]", *(f"{key} = '{value}'" for key, value in waiver.items())))
    (pytester.path / "resilience-waivers.toml").write_text(text)
    point = COMMIT.replace("COMMIT-2-reply-lost-reply", "UPDATE-1-request-kill")
    result = run(pytester, "--checklist", "-v", "-rx", point, *workers)
    (transactions,) = (each for each in report_of(pytester)["items"] if each["id"] == "transactions")

    assert {key: count for key, count in result.parseoutcomes().items() if key != "warnings"} == expected
    assert ("WAIVED (1/" in result.stdout.str()) == ("xfailed" in expected)
    assert ("by ana: the position is mended in May (it covers: " in result.stdout.str()) == (
        "xfailed" in expected
    )
    assert "failed" in {each["outcome"] for each in transactions["evidence"]}  # it is covered, and not hidden


def test_what_is_found_is_a_scenario_that_is_red_until_the_code_is_mended(pytester: pytest.Pytester) -> None:
    """The planted bug commits the rows before the position."""
    write_ingestion(pytester.path, POSITION_AFTER)
    found = run(pytester, COMMIT.replace("COMMIT-2-reply-lost-reply", "UPDATE-1-request-kill"))
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["FAILED resilience::transactions::ingest::*"])
    (written,) = report_of(pytester)["found"]
    file = Path("resilience-report", written["file"])

    assert (pytester.path / file).exists()
    run(pytester, str(file)).assert_outcomes(failed=1)
    write_ingestion(pytester.path)
    run(pytester, str(file)).assert_outcomes(passed=1)


def test_what_is_printed_to_try_it_again_works_here(pytester: pytest.Pytester) -> None:
    """It says what the result depends on: the backend, and our name of the option where the project has its own."""
    pytester.makeconftest("def pytest_addoption(parser): parser.addoption('--chaos', action='store_true')")
    write_ingestion(pytester.path, POSITION_AFTER)
    point = COMMIT.replace("COMMIT-2-reply-lost-reply", "UPDATE-1-request-kill")
    red = run(pytester, "--resilience-chaos", "--checklist", "--chaos-backend=embedded", point)
    # on CI pytest's short summary has the whole text once more
    (printed,) = {line for line in red.stdout.lines if line.startswith("Replay: ")}
    reported = next(
        each["replay"] for item in report_of(pytester)["items"] for each in item["evidence"] if each["replay"]
    )

    options = "--resilience-chaos --chaos-backend=embedded --checklist --chaos-seed=1"
    assert printed == f'Replay: pytest {options} "{point}"'
    assert reported.startswith("pytest --resilience-chaos --chaos-backend=embedded --checklist ")
    again = pytester.runpytest_subprocess(*shlex.split(printed.removeprefix("Replay: pytest ")))
    again.assert_outcomes(failed=1)


def test_a_workload_that_does_not_work_is_unproven(pytester: pytest.Pytester) -> None:
    """There is one item that says so."""
    write_ingestion(pytester.path, BROKEN)
    result = run(pytester)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*workload ingest ended with status 1, undisturbed: no such file*"])


def test_a_budget_leaves_the_rest_out(pytester: pytest.Pytester) -> None:
    """With the reason, and nothing fails."""
    write_ingestion(pytester.path)
    result = run(pytester, "-q", "--chaos-budget=0.000001", "-k", "not hang")
    skipped = result.parseoutcomes()["skipped"]

    assert skipped > 5
    result.stdout.fnmatch_lines(
        [f"no time left: {skipped} experiments were not reached within --chaos-budget"]
    )
    assert result.ret == 0


def test_parts_make_the_whole(pytester: pytest.Pytester) -> None:
    """Each point is in one shard, and the merged report knows all of them."""
    write_ingestion(pytester.path)
    for part in ("1", "2"):
        run(pytester, f"--chaos-shard={part}/2", f"--chaos-report=part-{part}", "-k", "COMMIT and not hang")
    merged = pytester.run(
        sys.executable, "-m", "pytest_resilience", "merge", "part-1", "part-2", "--out", "all"
    )
    parts = [json.loads((pytester.path / f"part-{part}" / "report.json").read_text()) for part in (1, 2)]
    whole = json.loads((pytester.path / "all" / "report.json").read_text())

    assert merged.ret == 0  # the checklist was not asked for
    assert all(part["coverage"]["exercised"] for part in parts)
    assert whole["coverage"]["exercised"] == sum(part["coverage"]["exercised"] for part in parts)


def test_fault_points_that_the_code_has_gained_are_told(pytester: pytest.Pytester) -> None:
    """As against the last test run."""
    write_ingestion(pytester.path)
    run(pytester, COMMIT)
    source = pytester.path / "ingest.py"
    source.write_text(source.read_text().replace("connection.close()", 'cursor.execute("select 1")'))
    run(pytester, COMMIT).stdout.fnmatch_lines(["*fault points of ingest since the last test run: + 1 x*"])


def test_the_list_runs_nothing(pytester: pytest.Pytester) -> None:
    """With -v it has the fault points."""
    write_ingestion(pytester.path)
    result = run(pytester, "--chaos-list", "-v")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["workloads:", "  ingest: job,*", "fault kinds:", "*warehouse reply COMMIT*"])


@pytest.mark.parametrize("listing", ["--chaos-list", "--collect-only"])
def test_what_is_only_listed_is_not_judged(pytester: pytest.Pytester, listing: str) -> None:
    """Nothing was tried: there is no verdict, and the report of the last run stays."""
    write_ingestion(pytester.path)
    pytester.makepyfile(test_more="def test_more(): pass")
    result = run(pytester, "--checklist", listing)

    assert result.ret == 0
    result.stdout.no_fnmatch_line("*resilience gate*")
    assert not (pytester.path / "resilience-report").exists()


def test_a_server_that_we_end_has_not_failed_to_answer(pytester: pytest.Pytester) -> None:
    """Others are answered while the request that met the fault is tried again: it is waited for before SIGTERM."""
    pytester.makepyfile(
        labs="""
        import http.server, sys
        class Labs(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
        http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Labs).serve_forever()
        """,
        web="""
        import http.server, os, sys, time, urllib.request
        class Web(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                try:
                    urllib.request.urlopen(os.environ["LABS_URL"] + "/score", timeout=2).read()
                except OSError:
                    time.sleep(1)
                    urllib.request.urlopen(os.environ["LABS_URL"] + "/score", timeout=2).read()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
        http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Web).serve_forever()
        """,
    )
    (pytester.path / "resilience.toml").write_text(
        """
        [services.labs]
        kind = "http"
        upstream = "{python} labs.py {port}"
        env = { LABS_URL = "{url}" }

        [workloads.web]
        command = ["{python}", "web.py", "{port}"]
        drive = { request = "GET /", every = 0.05 }
        uses = ["labs"]
        deadline = 20
        """
    )
    result = run(pytester, "-k", "request-reset or request-cut")

    assert result.ret == 0
    assert result.parseoutcomes()["passed"] >= 1


def test_what_a_run_shows_beside_what_it_is_for_fails_that_item(pytester: pytest.Pytester) -> None:
    """Its rows are as they were, so that it survived; the bare traceback is told once, not for each place."""
    write_ingestion(pytester.path)
    result = run(pytester, "--checklist", "-k", "transactions and COMMIT and cut")
    items = {each["id"]: each for each in report_of(pytester)["items"]}
    failed = [each["why"] for each in items["external-calls"]["evidence"] if each["outcome"] == "failed"]

    assert result.parseoutcomes().get("failed", 0) == 0
    assert result.parseoutcomes()["passed"] > 1
    assert result.ret == 1
    assert {each["outcome"] for each in items["transactions"]["evidence"]} == {"passed"}
    assert items["external-calls"]["verdict"] == "failed"
    assert failed == ["cut on warehouse: psycopg2.OperationalError ended the program with a bare traceback"]
