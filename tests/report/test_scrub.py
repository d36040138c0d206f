"""No secret and no patient's data leaves with a report, in whichever field and form it stands."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience.checklist.verdict import Evidence
from pytest_resilience.report.json_form import from_json, to_json, to_text
from pytest_resilience.report.judged import judged
from pytest_resilience.report.publish import publish
from pytest_resilience.report.scrub import scrubbed, scrubber

TODAY = date(2026, 3, 1)
SECRET = 'hun/ter "2&\u00e9\\'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_known_secret_goes_in_every_form(form):
    """As it is, in a URL, in JSON, in a header."""
    assert scrubber([SECRET])(f"before {form} after").startswith("before [redacted]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://icu:pa55@127.0.0.1:5432/icu", "postgresql://[redacted]@127.0.0.1:5432/icu"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer [redacted]"),
        ("GET /labs?api_key=abc123&page=2", "GET /labs?api_key=[redacted]&page=2"),
        ("host=h password=pa55 user=icu", "host=h password=[redacted] user=icu"),
        ('{"routing_key": "R0123", "severity": "high"}', '{"routing_key": "[redacted]", "severity": "high"}'),
        ("DETAIL:  Key (ssn)=(x y (z)) already exists.", "DETAIL:  Key (ssn)=([redacted]) already exists."),
        ("Failing row contains (7, Jane Roe, null).", "Failing row contains ([redacted])."),
        ('COPY icustays, line 3, column age: "Jane, 55"', 'COPY icustays, line 3, column age: "[redacted]"'),
        ("patient 123-45-6789", "patient [redacted]"),
        ("insert into raw.p values ('Jane ''J'' Roe', 55)", "insert into raw.p values (?, ?)"),
        ("update p set name = 'Jane' where id = 7", "update p set name = ? where id = ?"),
        ("select * from p where name = 'Jane Ro", "select * from p where name = ?"),
        (
            "sql: expected select note from p where id=5 on db is 'x'; seen: 'O''Brien, J'; exit: expected status 0",
            "sql: expected select note from p where id=? on db is ?; seen: ?; exit: expected status 0",
        ),
        (
            "select n from p where name = 'Jane R... on db is 'x'; seen: 'Jane Roe'",
            "select n from p where name = ?",
        ),
        (
            "not again: select last_name() on db is null, but was 'Roe; x'",
            "not again: select last_name() on db is null, but was ?",
        ),
        (
            """GET /5 on api is answered with 200 and a body that matches '.'; seen: 200 with '{"a": "O\\'B"}'; exit""",
            "GET /5 on api is answered with 200 and a body that matches '.'; seen: 200 with ?; exit",
        ),
        (
            """GET / on api is answered without an error status and a body that matches '.', but was 200 with "R's\"""",
            "GET / on api is answered without an error status and a body that matches '.', but was 200 with ?",
        ),
        (
            "GET / on api is answered with 200: 200 with 'Jane R...",
            "GET / on api is answered with 200: 200 with ?",
        ),
        ("show a.b on db is 30: 'Roe", "show a.b on db is 30: ?"),
        ("show a.b on db is 'a' ('Roe')", "show a.b on db is ? (?)"),
        ("token eyJhbGciOi.eyJzdWIiOiIx.abc-_1", "token [redacted]"),
        ("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/services/[redacted]"),
    ],
)
def test_what_looks_like_a_secret_goes(text, expected):
    """By its form."""
    assert scrubber()(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The waits before attempts 2 to 5 were 1.0, 2.0 and 3.0 s: they grow linearly.",
        "pytest --chaos 'resilience::backoff::ingest::labs::POST /predict' --chaos-seed=7",
        "sql: expected select count(*) from raw.stays on db is 30; seen: 29",
        "workload ingest / service labs",
        "The token was refused; write token = { env = ... }",
        "It doesn't say what to do; http://127.0.0.1:5000/health answers",
    ],
)
def test_the_rest_stays(text):
    """A reason that nobody can read helps nobody."""
    assert scrubber()(text).replace("[redacted] env", "{ env") == text


@pytest.mark.parametrize("secret", ["", " ", "ab"])
def test_a_short_secret_takes_no_words_apart(secret):
    """Nothing is replaced inside of words, and an empty secret is none."""
    assert scrubber([secret])("about ab") == ("about [redacted]" if secret == "ab" else "about ab")


@given(
    secret=st.text("abcxyz0189", min_size=8).filter(lambda secret: "redacted" not in secret),
    before=st.text(),
    after=st.text(),
)
def test_no_known_secret_is_left(secret, before, after):
    """Whatever stands around it."""
    assert secret not in scrubber([secret])(f"{before}{secret}{after}")


def test_every_text_of_a_report_is_cleaned(report):
    """Put into every field that is not of a word of ours, it is in none of them after."""
    canary = "canary-7f3a"
    poisoned = scrubbed(_poisoned(report, canary), [canary])

    assert canary not in to_text(poisoned)


def test_what_is_clean_already_is_not_made_anew(report):
    """A report as it is read from a file, where equal texts are objects of their own, comes back as the same object."""
    read = from_json(json.loads(to_text(scrubbed(report))))

    assert scrubbed(read) is read


def test_words_of_the_report_stay(report):
    """Even where somebody's password is one of them: the report has to be readable by machines."""
    data = to_json(scrubbed(report, ["failed", "backoff", "dynamic", report.commit]))

    assert [item["verdict"] for item in data["items"]] == [verdict.word for verdict in report.items]
    assert data["items"][1]["id"] == "backoff"
    assert data["commit"] == report.commit


def test_no_file_has_a_secret(tmp_path, facts, capfd):
    """Whichever form; nor what is printed."""
    canary = "canary-7f3a"
    why = f"the log says {canary} of patient 123-45-6789, at postgresql://icu:pa55@h/icu"
    found = [
        Evidence(
            item="messages", kind="dynamic", subject=canary, outcome="failed", why=why, fix=why, replay=why
        )
    ]
    environment = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    publish(
        judged(found, today=TODAY, **facts), tmp_path / "report", secrets=[canary], environment=environment
    )
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    content = "".join(path.read_text(encoding="utf-8") for path in written) + "".join(capfd.readouterr())

    assert len(written) == 5
    assert [secret for secret in (canary, "123-45-6789", "pa55") if secret in content] == []


def _poisoned(report, canary):
    """Return the report with a canary in all that comes from the tested code."""
    verdicts = tuple(
        replace(
            verdict,
            why=canary,
            fix=canary,
            replay=canary,
            evidence=tuple(
                replace(each, subject=canary, why=canary, fix=canary, replay=canary, warnings=(canary,))
                for each in verdict.evidence
            ),
        )
        for verdict in report.items
    )
    runs = tuple(
        replace(
            run,
            id=canary,
            title=canary,
            why=canary,
            replay=canary,
            notes=(canary,),
            marks=tuple(replace(mark, lane=canary, label=canary) for mark in run.marks),
        )
        for run in report.runs
    )
    return replace(report, items=verdicts, runs=runs, notes=(canary,), engines={"postgres": canary})
