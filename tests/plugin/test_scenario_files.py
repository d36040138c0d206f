"""Scenario files as test items: collected, run, judged, and refused where they are broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ingestion import BROKEN, POSITION_AFTER, SCENARIO, write_ingestion

FILE = "scenarios/lost.yaml"


def report_of(pytester: pytest.Pytester) -> dict:
    """What the run has reported."""
    return json.loads((pytester.path / "resilience-report" / "report.json").read_text())


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest on the project in the current folder."""
    return pytester.runpytest_subprocess("--chaos", "--chaos-explore=off", "--chaos-seed=1", *arguments)


def test_a_scenario_passes_with_its_receipt(pytester: pytest.Pytester) -> None:
    """The report says what was hit, and when."""
    write_ingestion(pytester.path, scenarios__lost=SCENARIO)
    run(pytester, FILE).assert_outcomes(passed=1)
    (scenario,) = report_of(pytester)["scenarios"]
    ((fired,),) = [fault["fired"] for fault in scenario["faults"]]

    assert (scenario["id"], scenario["verdict"]) == ("lost.yaml", "passed")
    assert fired["message"] == "COMMIT"


def test_a_scenario_finds_a_planted_bug(pytester: pytest.Pytester) -> None:
    """It says what was expected and seen, and how to run it again."""
    write_ingestion(pytester.path, POSITION_AFTER, scenarios__lost=SCENARIO)
    result = run(pytester)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*BROKEN exactly_once*", "Replay: pytest --chaos --chaos-seed=1 *lost.yaml*"]
    )
    assert [each["verdict"] for each in report_of(pytester)["scenarios"]] == ["failed"]


@pytest.mark.parametrize("name", [FILE, f"{FILE}::The reply to a COMMIT is lost"])
def test_a_scenario_that_is_tried_again_leaves_the_report_of_the_whole_run(
    pytester: pytest.Pytester, name: str
) -> None:
    """Its own stands beside it."""
    write_ingestion(pytester.path, "raise SystemExit(3)", scenarios__lost=SCENARIO)
    whole = pytester.mkdir("resilience-report") / "report.json"
    whole.write_text('{"gate": {"asked": true}, "left_out": {}, "shard": null}')
    before = whole.read_text()
    again = run(pytester, name)

    again.stdout.fnmatch_lines(["report: resilience-report/part/index.html"])
    assert whole.read_text() == before


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_the_short_summary_says_why_in_one_line(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    """In continuous integration pytest cuts nothing there, and all that was said above would be said again."""
    monkeypatch.setenv("CI", "true")
    write_ingestion(pytester.path, POSITION_AFTER, scenarios__lost=SCENARIO)
    lines = run(pytester, *workers).outlines
    (heading,) = (number for number, line in enumerate(lines) if "short test summary info" in line)
    first, last = lines[heading + 1 :]

    assert first.startswith(f"FAILED {FILE}::The reply to a COMMIT is lost - exactly_once: ")
    assert "1 failed" in last


def test_a_fault_that_never_fires_proves_nothing(pytester: pytest.Pytester) -> None:
    """There are not so many COMMITs."""
    write_ingestion(pytester.path, scenarios__lost=SCENARIO.replace("nth: 2", "nth: 200"))
    result = run(pytester)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["unproven: *", "*never fired*"])
    assert [each["verdict"] for each in report_of(pytester)["scenarios"]] == ["unproven"]


RULE = """
[[alerts.rules]]
severity = "CRITICAL"
component = "database"
matches = "OperationalError"
"""


def test_rules_on_the_log_are_alerts(pytester: pytest.Pytester) -> None:
    """Where alerting is done elsewhere, `none` means that no rule fired either."""
    wanted = {
        "called": "{severity: CRITICAL, component: database}",
        "quiet": "none",
        "else": "{severity: LOW}",
    }
    for name, alert in wanted.items():
        write_ingestion(pytester.path, **{f"scenarios__{name}": f"{SCENARIO}  - alert: {alert}\n"})
    with (pytester.path / "resilience.toml").open("a") as configuration:
        configuration.write(RULE)
    run(pytester).assert_outcomes(passed=1, failed=2)

    words = {each["id"]: each["verdict"] for each in report_of(pytester)["scenarios"]}
    assert words == {"called.yaml": "passed", "quiet.yaml": "failed", "else.yaml": "failed"}


def test_a_scenario_that_cannot_be_tried_is_unproven(pytester: pytest.Pytester) -> None:
    """An error of ours is the reason: the report, the item and the summary do not pass over it."""
    write_ingestion(pytester.path, scenarios__lost=SCENARIO)
    pytester.makeconftest(
        """
        import pytest_resilience.chaos.laboratory.scenario_trial as trial
        from pytest_resilience.errors import HarnessError

        def refuse(*_, **__):
            raise HarnessError("the engine refused the fault")

        trial.try_scenario = refuse
        """
    )
    result = run(pytester, "--checklist", "--chaos-budget=0.001", FILE)
    report = report_of(pytester)
    (scenario,) = report["scenarios"]
    (item,) = (each for each in report["items"] if each["id"] == "transactions")
    evidence = [each for each in item["evidence"] if each["kind"] == "dynamic"]

    result.stdout.fnmatch_lines(
        ["the engine refused the fault", "scenario lost.yaml unproven: it could not be tried: *"]
    )
    assert (scenario["id"], scenario["verdict"]) == ("lost.yaml", "unproven")
    assert scenario["why"] == "it could not be tried: the engine refused the fault"
    assert scenario["faults"] == [{"on": "warehouse", "kind": "cut", "fired": []}]
    assert [e["subject"] for e in evidence if e["outcome"] == "unproven"] == ["scenario lost.yaml"]


def test_a_replay_can_be_typed_whatever_the_sentence_says(pytester: pytest.Pytester) -> None:
    """A shell changes nothing in it and runs nothing, pytest finds it, also from another folder than the project's."""
    sentences = ('pays $(touch pwned) "50%" | it\'s && [x]', "lost ::error && $(touch pwned)")
    project = pytester.mkdir("a project")
    never = SCENARIO.replace("nth: 2", "nth: 200")
    quoted = (json.dumps(sentence) for sentence in sentences)
    one, two = (never.replace("The reply to a COMMIT is lost", sentence) for sentence in quoted)
    write_ingestion(project, scenarios__one=one, scenarios__two=two)
    result = run(pytester, f"--rootdir={project.name}", f"{project.name}/scenarios")
    replays = [line.removeprefix("Replay: ") for line in result.outlines if line.startswith("Replay: ")]
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = [
        subprocess.run(
            ["/bin/sh", "-c", f"{replay} --collect-only -q"],
            env=os.environ | {"PATH": programs},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for replay in replays
    ]

    result.assert_outcomes(failed=2)
    assert [each.splitlines()[0].partition("::")[2] for each in found] == list(sentences)
    assert not list(pytester.path.rglob("pwned"))
    assert replays == [each["replay"] for each in report_of(pytester)["scenarios"]]


def test_a_fault_that_never_fires_says_what_was_nearest(pytester: pytest.Pytester) -> None:
    """A slip, or a number too many, is seen at once."""

    def unfired(kind: str, when: str) -> str:
        return SCENARIO.replace("{message: COMMIT, side: reply, nth: 2}", when).replace("cut", kind)

    write_ingestion(
        pytester.path,
        scenarios__slip=unfired("cut", "{sql: insert into rwos}"),
        **{f"scenarios__{kind}": unfired(kind, "{rows: 100}") for kind in ("cut", "down", "kill")},
    )
    result = run(pytester)

    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines_random(
        [
            "*never fired: 0 matched*; nearest seen: insert into rows",
            *(
                f"*the fault {kind} on warehouse after 100 rows never fired: 4 rows were seen"
                for kind in ("cut", "down", "kill")
            ),
        ]
    )


def test_a_workload_that_does_not_work_proves_nothing(pytester: pytest.Pytester) -> None:
    """Undisturbed it fails already."""
    write_ingestion(pytester.path, BROKEN, scenarios__lost=SCENARIO)
    result = run(pytester)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*clean run*did not work*"])


def test_all_broken_files_are_refused_before_anything_starts(pytester: pytest.Pytester) -> None:
    """Each with file, line and column, and the nearest name; the exit status is 4."""
    write_ingestion(
        pytester.path,
        scenarios__one=SCENARIO.replace("workload: ingest", "workload: ingets"),
        scenarios__two=SCENARIO.replace("inject: cut", "inject: cutt"),
    )
    result = run(pytester)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = result.stderr.str() + result.stdout.str()
    assert "one.yaml:4:11" in text
    assert "did you mean 'ingest'" in text
    assert "two.yaml:8:13" in text
    assert "did you mean 'cut'" in text


def test_without_chaos_nothing_of_it_is_there(pytester: pytest.Pytester) -> None:
    """Plain tests run as always."""
    write_ingestion(pytester.path, scenarios__lost=SCENARIO)
    pytester.makepyfile("def test_plain(): pass")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_scenarios_are_shared_between_workers(pytester: pytest.Pytester) -> None:
    """Two workers make two runs of one clean run, and the controller reports on both."""
    write_ingestion(pytester.path, scenarios__lost=SCENARIO, scenarios__deep__other=SCENARIO)
    run(pytester, "-n", "2").assert_outcomes(passed=2)

    assert {each["id"] for each in report_of(pytester)["scenarios"]} == {"lost.yaml", "deep/other.yaml"}


def test_so_many_connections_of_an_unknown_protocol_are_refused(pytester: pytest.Pytester) -> None:
    """`down` with `times` is for any service."""
    load = """
        import os, socket
        host, _, port = os.environ["LINE"].partition(":")
        for _ in range(3):
            try:
                with socket.create_connection((host, int(port)), timeout=20) as line:
                    line.sendall(b"x")
                    print("got", line.recv(9))
                    break
            except OSError as error:
                print(error)
    """
    echo = """
        import socketserver, sys
        class Echo(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.sendall(self.request.recv(9))
        socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
    """
    pytester.makepyfile(load=load, echo=echo)
    (pytester.path / "resilience.toml").write_text(
        """
[services.line]
kind = "tcp"
upstream = "{python} echo.py {port}"
env = { LINE = "{host}:{port}" }
[workloads.load]
command = ["{python}", "load.py"]
uses = ["line"]
"""
    )
    scenario = pytester.mkdir("scenarios") / "lost.yaml"
    scenario.write_text(
        "scenario: two are lost\nworkload: load\n"
        "faults: [{on: line, when: {start: true}, inject: down, for: {times: 2}}]\nexpect: [{exit: 0}]\n"
    )
    run(pytester, FILE).assert_outcomes(passed=1)
    (scenario,) = report_of(pytester)["scenarios"]

    assert [len(fault["fired"]) for fault in scenario["faults"]] == [2]
