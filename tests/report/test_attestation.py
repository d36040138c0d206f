"""The attestation, and the command that refuses it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pytest_resilience.__main__ import main
from pytest_resilience.report.attestation import in_words, objections, to_statement, told
from pytest_resilience.report.git import git
from pytest_resilience.report.json_form import to_text
from pytest_resilience.report.model import Shard

COMMIT = "8f14e45fceea167a5a36dedd4bea2543c8a1b2f0"
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def statement(report):
    """Return the statement of a report."""
    return to_statement(report, to_text(report))


def refused(data, *, commit=COMMIT, days=7, now=NOW, strict=False):
    """Return why it is refused."""
    text = data if isinstance(data, str) else json.dumps(data)
    return " ".join(objections(text, commit=commit, max_age=timedelta(days=days), now=now, strict=strict))


def changed(report, **predicate):
    """Return a statement with another predicate."""
    data = statement(report)
    data["predicate"] |= predicate
    return data


def test_the_statement_is_of_the_commit(green):
    """Type, subject, predicate, result, as the specification has them; and the digest of the report."""
    data = statement(green)

    assert data["_type"] == "https://in-toto.io/Statement/v1"
    assert data["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert [subject["digest"] for subject in data["subject"]] == [{"gitCommit": COMMIT}]
    assert (data["predicate"]["result"], data["predicate"]["failedTests"]) == ("PASSED", [])
    digest = hashlib.sha256(to_text(green).encode()).hexdigest()
    assert data["predicate"]["configuration"][0]["digest"] == {"sha256": digest}


def test_a_failed_gate_is_stated(report):
    """By name: items that failed or are unproven, and scenarios; waived ones and those with warnings apart."""
    predicate = statement(report)["predicate"]

    assert predicate["result"] == "FAILED"
    assert predicate["failedTests"] == ["backoff", "alerts", "rollback", "scenario:labs/slow.yaml"]
    assert predicate["warnedTests"] == ["breakers"]


def test_waivers_and_warnings_make_it_warned(green):
    """Passed, but somebody answers for something."""
    warned = replace(green.items[0].evidence[0], warnings=("no jitter",))
    items = (replace(green.items[0], evidence=(warned,)), *green.items[1:])

    assert statement(replace(green, items=items))["predicate"]["result"] == "WARNED"


@pytest.mark.parametrize("tests", [{"failed": 1}, {"error": 1}])
def test_failed_tests_fail_it(green, tests):
    """The gate alone is not the run."""
    assert statement(replace(green, tests=tests))["predicate"]["result"] == "FAILED"


@pytest.mark.parametrize(
    "changes",
    [
        {"dirty": True},
        {"dirty": None},
        {"commit": None},
        {"commit": "8f14e45"},
        {"shard": Shard(index=1, count=2)},
    ],
)
def test_there_is_none(green, changes):
    """Of a dirty tree, without git, or of a part."""
    assert statement(replace(green, **changes)) is None


def test_a_run_without_the_checklist_attests_nothing(green):
    """Whatever its scenarios came to."""
    assert statement(replace(green, gate=replace(green.gate, asked=False))) is None


def test_a_good_one_is_accepted(green):
    """Whatever the case of the hash."""
    assert refused(statement(green)) == ""
    assert refused(statement(green), commit=COMMIT.upper()) == ""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"commit": "8f14e45"}, "give the full hash"),
        ({"commit": ""}, "give the full hash"),
        ({"commit": "0" * 40}, f"it is about commit {COMMIT}, not 000"),
        ({"commit": "HEAD"}, "which `git rev-parse HEAD` prints"),
        (
            {"days": 0.5},
            "it is 14 h old (from 2026-03-01T09:30:00+00:00), and may be 12 h old: run the gate again",
        ),
        ({"now": NOW - timedelta(days=2)}, "it is from the future"),
    ],
)
def test_the_wrong_commit_or_time_is_refused(green, options, expected):
    """A short hash too: it may mean several commits."""
    assert expected in refused(statement(green), **options)


def test_clocks_may_differ_a_little(green):
    """By minutes, not by hours."""
    began = datetime.fromisoformat(green.started)

    assert refused(statement(green), now=began - timedelta(minutes=4)) == ""
    assert "future" in refused(statement(green), now=began - timedelta(minutes=6))


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ({"result": "FAILED"}, "its result is FAILED"),
        ({"result": "passed"}, "its result is passed"),
        ({"result": None}, "its result is None"),
        ({"failedTests": ["backoff"]}, "its result is PASSED, failed: backoff"),
        ({"passedTests": []}, "it says nothing of external-calls"),
        ({"configuration": []}, "it does not say when the run began"),
        (
            {"configuration": [{"name": "report.json", "annotations": {"started": "2026-03-01T09:30:00"}}]},
            "an offset",
        ),
        ({"configuration": [{"name": "report.json", "annotations": {"started": 7}}]}, "does not say when"),
    ],
)
def test_a_wrong_predicate_is_refused(green, predicate, expected):
    """Also where it contradicts itself, or says too little."""
    assert expected in refused(changed(green, **predicate))


@pytest.mark.parametrize(
    "subject", [None, [], [{}], ["x"], [{"digest": {"sha256": COMMIT}}], [{"digest": COMMIT}]]
)
def test_a_wrong_subject_is_refused(green, subject):
    """None, or another kind of digest."""
    assert "commit" in refused({**statement(green), "subject": subject})


def test_two_subjects_are_refused(green):
    """Which of the two was tested?"""
    data = statement(green)

    assert "exactly one subject" in refused({**data, "subject": data["subject"] * 2})


def test_what_does_not_apply_everywhere_is_refused(green):
    """Ten times not applicable proves nothing."""
    data = changed(green, passedTests=[])
    data["predicate"]["configuration"][0]["annotations"]["notApplicable"] = [
        verdict.item for verdict in green.items
    ]

    assert "nothing was proven" in refused(data)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "it is not JSON"),
        ("[]", "it is not a statement"),
        ("{}", "it is not a statement"),
        ("[" * 100_000, "it is not JSON"),
        ('{"payload": "e30=", "payloadType": "application/vnd.in-toto+json"}', "check its signature first"),
    ],
)
def test_another_file_is_refused(text, expected):
    """With what it is."""
    assert expected in refused(text)


def test_strict_refuses_waivers(green):
    """For those who deploy nothing that somebody has to answer for."""
    data = changed(green, result="WARNED")

    assert refused(data) == ""
    assert "waivers or warnings" in refused(data, strict=True)


@pytest.mark.parametrize(
    ("age", "words"),
    [
        ({"seconds": -3}, "0 s"),
        ({"seconds": 59}, "59 s"),
        ({"minutes": 50, "microseconds": 7}, "50 min"),
        ({"minutes": 90}, "90 min"),
        ({"hours": 3, "minutes": 59}, "3 h"),
        ({"days": 1}, "24 h"),
        ({"days": 9, "hours": 5}, "9 days"),
    ],
)
def test_an_age_is_said_as_people_say_it(age, words):
    """In one unit, rounded down."""
    assert in_words(timedelta(**age)) == words


def test_an_accepted_one_says_what_it_is_about(green):
    """Its commit, its age, and how much was explored."""
    said = told(json.dumps(statement(green)), commit=COMMIT.upper(), now=NOW)

    assert said == (
        f"the gate passed for commit {COMMIT}, 14 h old, 309 survived of 312 exercised of 312 fault points"
    )


def test_warnings_are_told_where_it_is_accepted(green):
    """Who deploys should know of them; an attestation of before says nothing of fault points."""
    data = changed(green, result="WARNED", warnedTests=["backoff", "alerts"])
    del data["predicate"]["configuration"][0]["annotations"]["faultPoints"]
    said = told(json.dumps(data), commit=COMMIT, now=NOW)

    assert said.endswith(f"{COMMIT}, with warnings or waivers in 2 items (backoff, alerts), 14 h old")


@pytest.fixture
def file(tmp_path, green):
    """An attestation of just now."""
    fresh = replace(green, started=datetime.now(UTC).isoformat())
    path = tmp_path / "attestation.json"
    path.write_text(json.dumps(statement(fresh)))
    return path


def test_the_command_accepts(file, capsys):
    """Status 0, and the commit."""
    assert main(["verify", str(file), "--commit", COMMIT, "--max-age", "7d"]) == 0
    assert COMMIT in capsys.readouterr().out


def test_the_commit_is_that_of_the_folder_where_none_is_given(file, capsys, monkeypatch):
    """What is checked out where the command runs; without git nobody knows what is deployed."""
    monkeypatch.chdir(file.parent)

    assert main(["verify", str(file)]) == 1
    assert "no git commit is checked out here: give --commit" in capsys.readouterr().err
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    git(file.parent, "init", "-q")
    git(file.parent, *author, "commit", "-q", "--allow-empty", "-m", "x")
    head = git(file.parent, "rev-parse", "HEAD")
    file.write_text(file.read_text().replace(COMMIT, head))
    assert main(["verify", str(file)]) == 0
    assert main(["verify", str(file), "--commit", ""]) == 1  # a variable of the pipeline that is not set
    assert "give the full hash" in capsys.readouterr().err


def test_the_folder_will_do(file, capsys):
    """As for merge and report; refusals name the file in it."""
    assert main(["verify", str(file.parent), "--commit", COMMIT]) == 0
    assert main(["verify", str(file.parent), "--commit", "HEAD"]) == 1
    assert f"refused: {file}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--commit", "1" * 40], "run the gate on the commit"),
        (["--commit", COMMIT, "--max-age", "0s"], "run the gate again"),
    ],
)
def test_the_command_refuses(file, capsys, arguments, expected):
    """Status 1, and the reason with the file."""
    assert main(["verify", str(file), *arguments]) == 1
    assert f"refused: {file}: " in (told := capsys.readouterr().err)
    assert expected in told


def test_a_missing_file_is_refused(tmp_path, capsys):
    """Status 1: a deploy must not go on."""
    assert main(["verify", str(tmp_path / "none.json"), "--commit", COMMIT]) == 1
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("age", ["7", "soon", "-1d", "1e9w", "99999999999w"])
def test_a_wrong_age_is_refused(file, capsys, age):
    """Status 2, as every wrong command line."""
    with pytest.raises(SystemExit, match="2"):
        main(["verify", str(file), "--commit", COMMIT, f"--max-age={age}"])
