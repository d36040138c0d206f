"""What reading says about the items: a clear finding fails, and nothing ever passes by reading alone."""

from __future__ import annotations

import pytest

from pytest_resilience.checklist.items import ITEMS
from pytest_resilience.checklist.static import EntryPoint, evidence

FRAGILE = """
import psycopg2
import requests
import time


def fetch():
    for attempt in range(3):
        try:
            return requests.get("https://x")
        except requests.RequestException:
            if attempt == 2:
                raise
            time.sleep(1)


def save(conn: psycopg2.extensions.connection):
    conn.cursor().execute("insert into a values (1)")
    conn.commit()
    conn.cursor().execute("insert into b values (1)")


def forgotten():
    requests.post("https://y", timeout=1)


try:
    save(psycopg2.connect("x", connect_timeout=1))
except Exception as error:
    print("failed")
fetch()
"""


def outcomes(found):
    """Return line and outcome of some evidence."""
    return [(int(one.subject.rpartition(":")[2]), one.outcome) for one in found]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("external-calls", [(10, "failed"), (24, "unproven"), (10, "unproven")]),
        ("backoff", [(10, "failed")]),
        ("transactions", [(19, "failed")]),
        ("structured-logs", [(30, "failed")]),
        ("breakers", [(10, "unproven")]),
        ("rollback", []),
    ],
)
def test_findings_fail_their_item(read, item, expected):
    """By the line."""
    assert expected == outcomes(evidence(read(FRAGILE), item))


def test_a_finding_that_no_entry_point_reaches_is_unproven(read):
    """Whether it matters, only a workload can show."""
    report = read(FRAGILE.replace("\nfetch()\n", "\n").replace("    save(psycopg2", "    str(psycopg2"))

    assert {"unproven"} == {one.outcome for one in evidence(report, "transactions")}
    assert {"unproven"} == {one.outcome for one in evidence(report, "external-calls")}


def test_reading_alone_passes_nothing(read):
    """Not even sound code."""
    report = read("""
        import requests

        try:
            requests.get("x", timeout=1)
        except requests.RequestException as error:
            raise SystemExit(1) from error
    """)

    assert set() == {e.outcome for item in ITEMS for e in evidence(report, item.id)} & {"passed"}


def test_evidence_says_why_and_what_to_write(read):
    """Both are there, and name the line and the error to catch."""
    found = [one for item in ITEMS for one in evidence(read(FRAGILE), item.id)]

    assert all(one.why and one.fix and one.kind == "static" for one in found)
    assert "app.py:10" in found[0].fix
    assert "RequestException" in found[0].fix


def test_an_unknown_item_is_refused(read):
    """It is a mistake of the caller."""
    with pytest.raises(KeyError):
        evidence(read(""), "breaker")


def test_only_what_a_declared_entry_point_leads_to_fails(read):
    """A script that nobody declared is read and judged, but its findings are unproven; what is imported counts."""
    call = "import requests\n\n\ndef fetch():\n    return requests.get('x', timeout=1)\n\n\n"
    report = read(
        "import used\n\n\ndef main():\n    used.fetch()\n",
        entry_points=(EntryPoint(function="app:main"),),
        used=call,
        script=f"{call}fetch()\n",
    )

    assert [(one.subject, one.outcome) for one in evidence(report, "external-calls")] == [
        ("script.py:5", "unproven"),
        ("used.py:5", "failed"),
    ]
    told = {
        one.subject: "No declared workload leads there." in one.why for one in evidence(report, "breakers")
    }
    assert told == {"script.py:5": True, "used.py:5": False}


@pytest.mark.parametrize(
    ("wait", "warns"), [("wait_exponential(1)", True), ("wait_random_exponential(1)", False), ("own", False)]
)
def test_jitter_is_missed_where_delays_can_be_told(read, wait, warns):
    """A wait that the team has written itself, around Retry-After, may vary: nobody can tell by reading."""
    report = read(f"""
        import requests
        from tenacity import Retrying, stop_after_attempt, wait_exponential, wait_random_exponential

        def own(state):
            return max(wait_random_exponential(1)(state), asked(state))

        def fetch():
            for attempt in Retrying(wait={wait}, stop=stop_after_attempt(3)):
                with attempt:
                    return requests.get("https://x", timeout=1)

        fetch()
    """)
    warnings = [warning for one in evidence(report, "backoff") for warning in one.warnings]

    assert bool([warning for warning in warnings if "do not vary" in warning]) is warns


@pytest.mark.parametrize(
    ("wait", "outcome"),
    [
        ("wait_fixed(5)", "failed"),
        ("wait_fixed(5) if constant else own", None),
        ("wait_fixed(5) if constant else wait_fixed(9)", "failed"),
        ("own", None),
    ],
)
def test_one_constant_wait_among_others_is_no_constant_wait(read, wait, outcome):
    """A function of the code may grow, and may be the one that all callers choose."""
    report = read(f"""
        import requests
        import sys
        from tenacity import Retrying, stop_after_attempt, wait_fixed

        def own(state):
            return 0.4 * 2**state.attempt_number

        def fetch(constant):
            for attempt in Retrying(wait={wait}, stop=stop_after_attempt(3)):
                with attempt:
                    return requests.get("https://x", timeout=1)

        fetch(len(sys.argv) > 1)
    """)

    assert [one.outcome for one in evidence(report, "backoff")] == ([outcome] if outcome else [])


@pytest.mark.parametrize(
    ("settings", "caught", "said"),
    [
        ("stop=stop_after_attempt(3)", "requests.RequestException", "tenacity.RetryError"),
        ("stop=stop_after_attempt(3)", "RetryError", None),
        ("stop=stop_after_attempt(3), reraise=True", "requests.RequestException", None),
        ("stop=stop_after_attempt(3), reraise=True", "RetryError", "requests.exceptions.RequestException"),
        (
            "retry=retry_if_exception_type(requests.Timeout)",
            "requests.RequestException",
            "tenacity.RetryError",
        ),
        (
            "retry=retry_if_exception_type(requests.Timeout)",
            "RetryError",
            "requests.exceptions.RequestException",
        ),
        ("retry=retry_if_exception_type(OSError)", "RetryError", None),
        ("retry=retry_if_exception(worth_it)", "requests.RequestException", None),
        ("retry_error_callback=lambda state: None", "ValueError", None),
    ],
)
def test_what_tenacity_raises_in_the_end_has_to_be_caught(read, settings, caught, said):
    """Its own error in place of the last one, for those that it acts on, unless it is told otherwise."""
    report = read(f"""
        import requests
        from tenacity import RetryError, retry, retry_if_exception, retry_if_exception_type, stop_after_attempt

        def worth_it(error):
            return True

        @retry({settings})
        def fetch():
            return requests.get("x", timeout=1)

        try:
            fetch()
        except {caught} as error:
            raise SystemExit("no labs: " + str(error))
    """)

    found = [one for one in evidence(report, "external-calls") if one.outcome == "failed"]

    assert [f"catch {said} and" in one.fix for one in found] == ([] if said is None else [True])
