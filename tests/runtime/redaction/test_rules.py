"""Each rule takes out what it is for, and only it does."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_resilience.runtime.redaction import DEFAULT_REDACTOR, RULES, Redactor
from pytest_resilience.runtime.redaction.identifiers import is_nhs_number


def test_a_thousand_plants_do_not_pass(plants):
    """No planted identifier is left in its text."""
    left = [
        plant for plant in plants if plant.needle in DEFAULT_REDACTOR.text(plant.text, judged=plant.judged)
    ]

    assert len(plants) >= 1_000
    assert left == []


@pytest.mark.parametrize("off", [rule.name for rule in RULES])
def test_every_rule_is_needed(plants, off):
    """With one rule switched off, a plant of that rule passes: the test above would fail."""
    redactor = Redactor(rules=[rule for rule in RULES if rule.name != off])
    left = {plant.rule for plant in plants if plant.needle in redactor.text(plant.text, judged=plant.judged)}

    assert off in left


def test_every_plant_names_a_rule(plants):
    """The plants and the rules are the same list."""
    assert {plant.rule for plant in plants} == {rule.name for rule in RULES}


def test_twice_is_once(plants):
    """What was redacted stays as it is when it passes again, as alerts of logged errors do."""
    for plant in plants:
        once = DEFAULT_REDACTOR.text(plant.text)

        assert DEFAULT_REDACTOR.text(once) == once


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_plants_do_not_hide_each_other(plants, data):
    """Texts put together are as clean as each alone."""
    chosen = data.draw(
        st.lists(st.sampled_from([plant for plant in plants if plant.judged]), min_size=2, max_size=5)
    )
    text = DEFAULT_REDACTOR.text("\n".join(plant.text for plant in chosen))

    assert [plant for plant in chosen if plant.needle in text] == []


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=300))
def test_any_text_comes_back_as_text(text):
    """No input makes it raise, and none is refused as a whole."""
    assert "[redacted:failed]" not in Redactor().text(text)


@pytest.mark.parametrize(
    "text",
    [
        "Connection refused by PostgreSQL at 127.0.0.1:5432",
        "could not serialize access due to concurrent update (SQLSTATE 40001)",
        "[Errno 2] No such file or directory: '/data/icustays.csv'",
        "[Errno 28] No space left on device",
        'relation "raw.icustays" does not exist',
        'password authentication failed for user "icu"',
        "Data quality score 0.85 is below 0.90",
        "Model icu_mortality version 3: latency 250 ms is above 200 ms",
        "Circuit breaker 'labs' is open: next trial call in 12.5 s",
        "read 12345678 bytes, stopped at row 1234567",
        "batch 17 of 300 failed after 3 attempts; retrying in 2.0 s",
        "started 2026-01-02T03:04:05.678+00:00",
        "run 4f2a9c1de0b14c7fa9c1de0b14c7f123 of experiment 12",
        "HTTP 503 Service Unavailable from https://labs.example.org/v1/results?page=2",
        "Disk Full On Primary Database Server",
        "Lost connection to Stripe",
        "Kaboom",
        "Invalid Credentials Provided",
        "Retries Exhausted: Labs Unreachable",
        "Something Bad Happened",
        "Amazon Web Services",
        "token validation failed",
        "couldn't select a model",
        "libpq 16.2, psycopg2 2.9.9 (dt dec pq3 ext lo64)",
        "HEALTH CHECK FAILED, ROLLING BACK",
        "Service   Status\tReason\nLabs      Down\tConnection Refused",
        "patients table is empty",
        "AttributeError: 'NoneType' object has no attribute 'fetchone'",
        "File 'scripts/ingest.py', line 123456",
        "Patient Identity Service, Patient Portal and Patient Cohort Builder failed",
        "Nurse Scheduling is down",
        "postgresql://warehouse:5432/icu failed: see the log",
        "https://labs: no answer; http://labs:8080 and http://labs:8080/v1: no answer",
        "Patched API call 'fit' for sklearn failed",
        'these map: "labs.LabError" = "labs.Error" and "=": "is equal to"',
        "unproven is no pass: a fault never fired",
        "--password is required, or --token",
        "usage: connect <host> <password> [--token-file FILE]",
        "expected <token> but found <end>",
        "['mrn', 'subject_id'] not in index",
        "docker run -u 1000:1000 --rm",
        "first pass: 3 rows, forward pass=0.2 s",
        "bypass: on, compass: off",
        "<Token object at 0x7f>",
    ],
)
def test_what_helps_passes(text):
    """Messages about systems are left alone, so that they can be acted on."""
    assert DEFAULT_REDACTOR.text(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "postgresql://icu:s3cret@warehouse:5432/icu",
            "postgresql://[redacted:url-credentials]@warehouse:5432/icu",
        ),
        (
            'violates constraint "icustays_pkey"\nDETAIL:  Key (los)=(30012345) already exists.',
            'violates constraint "icustays_pkey"\nDETAIL:  Key (los)=([redacted:postgres-detail]) already exists.',
        ),
        (
            "INSERT INTO raw.icustays (stay, unit) VALUES (12, 'it''s') ON CONFLICT DO NOTHING",
            "INSERT INTO raw.icustays (stay, unit) VALUES (?, ?) ON CONFLICT DO NOTHING",
        ),
        ("Authorization: Basic aWN1OnMzY3JldA==", "Authorization: [redacted:secret]"),
        ("{'age': 5, 'patient_name': 'Eleanor Vance'}", "{'age': 5, 'patient_name': [redacted:personal]}"),
        ("Eleanor Harding was seen", "[redacted:name] was seen"),
        ("Patient Okonkwo not found", "Patient [redacted:name] not found"),
        ("asked Mr Vance-Coled twice", "asked Mr [redacted:name] twice"),
        ("no labs of Siobhán Coled", "no labs of [redacted:name]"),
        ("Dr. Harding is away", "Dr. [redacted:name] is away"),
        ("asked patient Harding twice", "asked patient [redacted:name] twice"),
        ("no labs of JOHN QUILL yet", "no labs of [redacted:capitals] yet"),
        ("labs for patient Eleanor Vance are late", "labs for patient [redacted:name] are late"),
    ],
)
def test_what_is_around_stays(text, expected):
    """Only the data goes; host, constraint, statement and sentence stay."""
    assert DEFAULT_REDACTOR.text(text) == expected


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        ("9434765919", True),
        ("943 476 5919", True),
        ("9434765918", False),
        ("1234567890", False),
        ("943476591", False),
    ],
)
def test_nhs_check_digit(number, valid):
    """The check digit decides."""
    assert is_nhs_number(number) is valid


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize(
    "unit",
    [
        *("a", "a ", "1", "1-", "A", "Aa ", "'", "x=", "://", "a@", "select ", "Key (", "\u00e9"),
        *(
            "\\'",
            '\\"',
            "pin='\\",
            "$a",
            "select '\\",
            "\nDETAIL: ",
            ': "',
            "Failing row contains (",
            "LINE 1",
        ),
    ],
)
def test_patterns_are_linear(rule, unit):
    """Twice the text never takes a different shape of time: long runs of anything end (a hang guard, no clock)."""
    assert isinstance(rule.apply(unit * 20_000), str)


def test_rule_names_are_marks():
    """A name can stand in a text as a mark, and no two rules share one."""
    names = [rule.name for rule in RULES]

    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)
