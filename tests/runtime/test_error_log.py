"""Every error becomes one line of JSON that says what, where and why; serious ones become alerts too."""

import io
import json
import logging
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from itertools import count

import pytest

from pytest_resilience.errors import RetryableError
from pytest_resilience.runtime.correlation import current_operation, operation
from pytest_resilience.runtime.error_log import StructuredErrorLogger
from pytest_resilience.runtime.repeat_limit import RepeatLimit

NUMBERS = count()
POLICY_FIELDS = ["timestamp", "severity", "error_type", "error_message", "context", "stack_trace"]


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self):
        self.now = 1_767_323_045.5

    def time(self):
        """Return the wall clock."""
        return self.now

    def monotonic(self):
        """Return the same seconds."""
        return self.now


class Alerts(list):
    """A router that remembers."""

    def route_alert(self, severity, component, message, *, details=None):
        """Remember an alert."""
        self.append((str(severity), component, message, details))
        return []


@pytest.fixture
def alerts():
    """What was routed."""
    return Alerts()


@pytest.fixture
def log(alerts):
    """A logger of this test alone."""
    return StructuredErrorLogger(f"test.agent{next(NUMBERS)}", router=alerts, clock=Clock())


@pytest.fixture
def records(caplog):
    """Return a function that returns the parsed records."""
    return lambda: [json.loads(record.getMessage()) for record in caplog.records]


def raised(error):
    """Return the error as it is after it was raised."""
    try:
        raise error
    except type(error) as caught:
        return caught


class TestRecord:
    """What is in a record."""

    def test_it_has_the_policys_fields(self, log, records):
        """The six fields, with the context as it was given."""
        context = {
            "operation": "ingest",
            "source_file": "a.csv",
            "target_table": "raw.t",
            "agent": "DataIngestionAgent",
        }
        log.log_error(raised(ValueError("bad row")), context)
        (record,) = records()

        assert [name for name in POLICY_FIELDS if name not in record] == []
        assert record["context"] == context
        assert (record["severity"], record["error_type"], record["error_message"]) == (
            "HIGH",
            "ValueError",
            "bad row",
        )
        assert record["stack_trace"].startswith("Traceback (most recent call last):\n")
        assert record["stack_trace"].endswith("ValueError: bad row\n")
        assert ", in raised\n    raise error\n" in record["stack_trace"]

    def test_the_time_has_its_zone(self, log, records):
        """ISO 8601 in UTC, from the injected clock."""
        log.log_error(ValueError("x"), {})
        when = datetime.fromisoformat(records()[0]["timestamp"])

        assert when.utcoffset() == timedelta(0)
        assert when.timestamp() == 1_767_323_045.5

    @pytest.mark.parametrize(
        ("severity", "level"),
        [
            ("CRITICAL", "CRITICAL"),
            ("HIGH", "ERROR"),
            ("MEDIUM", "WARNING"),
            ("LOW", "INFO"),
            ("INFO", "INFO"),
            ("high", "ERROR"),
            ("nonsense", "ERROR"),
        ],
    )
    def test_severity_decides_the_level(self, log, records, caplog, severity, level):
        """In the record and in the standard library's; what is unknown counts as HIGH."""
        log.log_error(ValueError("x"), {}, severity)

        assert records()[0]["level"] == level
        assert caplog.records[0].levelname == level

    def test_context_may_be_left_out(self, log, records):
        """None and no context are an empty one; HIGH is the default."""
        log.log_error(ValueError("x"))

        assert (records()[0]["context"], records()[0]["severity"]) == ({}, "HIGH")

    def test_a_text_is_logged_like_an_error(self, log, records):
        """Where there is no exception, words will do."""
        log.log_error("disk is full", {})

        assert records()[0]["error_message"] == "disk is full"

    def test_it_is_one_line(self, log, caplog):
        """Line breaks of any kind are escaped."""
        log.log_error(ValueError("a\nb\r\u2028c\x85"), {"note": "x\ny"})

        assert len(caplog.records[0].getMessage().splitlines()) == 1

    def test_never_raised_means_no_traceback(self, log, records):
        """The last line of one is what is left."""
        log.log_error(ValueError("x"), {})

        assert records()[0]["stack_trace"] == "ValueError: x\n"


class TestChain:
    """Causes and groups."""

    def test_the_whole_chain_is_there(self, log, records):
        """Causes and contexts, the nearest first; the traceback has them in Python's order."""
        try:
            try:
                try:
                    {}["innermost"]
                except KeyError:
                    raise OSError(28, "no space") from None
            except OSError as error:
                raise RetryableError("try later") from error
        except RetryableError as error:
            log.log_error(error, {})
        (record,) = records()

        assert [(c["relation"], c["error_type"]) for c in record["causes"]] == [("cause", "OSError")]
        assert record["causes"][0]["codes"] == {"errno": 28}
        assert "direct cause of the following" in record["stack_trace"]
        assert record["stack_trace"].index("OSError") < record["stack_trace"].index("RetryableError")
        assert "innermost" not in record["stack_trace"]

    def test_an_unasked_context_is_there(self, log, records):
        """An error while another was handled."""
        try:
            try:
                {}["first"]
            except KeyError:
                raise ValueError("second")  # noqa: B904 - the implicit context is what is tested
        except ValueError as error:
            log.log_error(error, {})

        assert [(c["relation"], c["error_type"]) for c in records()[0]["causes"]] == [("context", "KeyError")]

    def test_a_circle_of_causes_ends(self, log, records):
        """Two errors that cause each other are told once."""
        one, two = ValueError("one"), ValueError("two")
        one.__cause__, two.__cause__ = two, one
        log.log_error(one, {})

        assert [cause["error_message"] for cause in records()[0]["causes"]] == ["two"]

    def test_groups_show_their_members(self, log, records):
        """Members and members of members, in the record and in the traceback."""
        log.log_error(ExceptionGroup("two", [ValueError("a"), ExceptionGroup("in", [KeyError("b")])]), {})
        (record,) = records()

        assert [member["error_type"] for member in record["exceptions"]] == ["ValueError", "ExceptionGroup"]
        assert record["exceptions"][1]["exceptions"][0]["error_type"] == "KeyError"
        assert "  + ValueError: a\n" in record["stack_trace"]

    def test_a_huge_group_is_counted(self, log, records):
        """Not every member is described."""
        log.log_error(ExceptionGroup("many", [ValueError(str(n)) for n in range(1_000)]), {})
        (record,) = records()

        assert record["exceptions_count"] == 1_000
        assert len(record["exceptions"]) == 10
        assert len(record["stack_trace"]) < 2_000

    def test_a_nest_of_groups_ends(self, log, records):
        """Groups in groups in groups, far deeper than anybody reads."""
        nest = ValueError("core")
        for _ in range(500):
            nest = ExceptionGroup("shell", [nest])
        log.log_error(nest, {})

        assert len(records()) == 1

    def test_a_deep_recursion_is_shortened(self, log, records):
        """The first and the last frames are shown, the others counted."""

        def down(depth):
            return down(depth - 1) if depth else 1 / 0

        try:
            down(200)
        except ZeroDivisionError as error:
            log.log_error(error, {})

        assert "frames left out]" in records()[0]["stack_trace"]
        assert records()[0]["stack_trace"].count("  File ") == 40

    def test_notes_and_codes_are_kept(self, log, records):
        """What add_note said, and SQLSTATE, status and error codes."""
        error = ValueError("x")
        error.add_note("while loading batch 7")
        error.sqlstate, error.status_code, error.pgcode = "40001", 503, None
        log.log_error(error, {})
        (record,) = records()

        assert record["notes"] == ["while loading batch 7"]
        assert record["codes"] == {"sqlstate": "40001", "status_code": 503}

    @pytest.mark.parametrize("notes", [5, {"ward": "b"}, None, "text"])
    def test_notes_that_are_none_are_left_out(self, log, records, notes):
        """Whatever foreign code has put in their place, the record is whole."""
        error = raised(ValueError("x"))
        error.__notes__ = notes
        log.log_error(error)

        assert [record["error_message"] for record in records()] == ["x"]
        assert "notes" not in records()[0]

    def test_an_error_that_cannot_be_printed_is_logged(self, log, records):
        """Its __str__ raises; type and place are known all the same."""

        class Mute(Exception):  # noqa: N818 - a foreign exception
            def __str__(self):
                raise RuntimeError("secret")

        log.log_error(raised(Mute()), {})
        (record,) = records()

        assert (record["error_type"], record["error_message"]) == (
            "Mute",
            "<unprintable: str() raised RuntimeError>",
        )


class TestIdentity:
    """Ids that tie records together."""

    def test_records_of_one_operation_share_an_id(self, log, records):
        """Nested operations point to their parents."""
        with operation("ingest", correlation_id="c-1") as outer:
            log.log_error(ValueError("a"), {})
            with operation("insert") as inner:
                log.log_error(ValueError("b"), {})
        log.log_error(ValueError("c"), {})
        first, second, third = records()

        assert (first["operation"], first["correlation_id"]) == ("ingest", "c-1")
        assert (second["operation"], second["parent_id"]) == ("insert", outer.correlation_id)
        assert second["correlation_id"] == inner.correlation_id
        assert third["correlation_id"] not in (outer.correlation_id, inner.correlation_id)
        assert current_operation() is None

    def test_a_new_thread_begins_outside(self):
        """Contexts are per thread."""
        seen = []
        with operation("ingest"):
            thread = threading.Thread(target=lambda: seen.append(current_operation()))
            thread.start()
            thread.join()

        assert seen == [None]

    def test_what_is_looked_for_first_is_at_the_top(self, log, records):
        """Operation, resource and attempt of the context stand beside it too."""
        log.log_error(ValueError("x"), {"operation": "score", "resource": "labs", "attempt": 2})
        (record,) = records()

        assert (record["operation"], record["resource"], record["attempt"]) == ("score", "labs", 2)

    def test_the_fingerprint_ignores_numbers(self, log, records):
        """The same problem has the same one; another place, type or text has another."""
        for error in (ValueError("row 1"), ValueError("row 22"), ValueError("column 1"), KeyError("row 1")):
            log.log_error(error, {})
        log.log_error(raised(ValueError("row 3")), {})
        first, second, *others = (record["fingerprint"] for record in records())

        assert first == second
        assert len({first, *others}) == 4


class TestLimit:
    """Repeats."""

    def test_repeats_are_held_back_and_counted(self, alerts, records):
        """Two of a kind pass in a window; the rest is a number, told when the window is over."""
        clock = Clock()
        log = StructuredErrorLogger(
            f"test.limit{next(NUMBERS)}", router=alerts, limit=RepeatLimit(2, 60.0, clock=clock)
        )
        for number in range(10):
            log.log_error(ValueError(f"row {number}"), {}, "MEDIUM")
        log.log_error(KeyError("x"), {}, "MEDIUM")
        clock.now += 61
        log.log_error(ValueError("row 11"), {}, "MEDIUM")
        lines = records()

        assert [line["error_message"] for line in lines if line["error_type"] == "ValueError"] == [
            "row 0",
            "row 1",
            "row 11",
        ]
        assert [line["suppressed"] for line in lines if line["event"] == "held back"] == [8]

    def test_alerts_are_not_held_back(self, alerts):
        """The router has a storm limit of its own."""
        log = StructuredErrorLogger(f"test.limit{next(NUMBERS)}", router=alerts, limit=RepeatLimit(1, 60.0))
        for _ in range(5):
            log.log_error(ValueError("x"), {}, "CRITICAL")

        assert len(alerts) == 5

    def test_flush_tells_what_is_still_held(self, alerts, records):
        """At the end of the process nothing is left untold."""
        log = StructuredErrorLogger(f"test.limit{next(NUMBERS)}", router=alerts, limit=RepeatLimit(1, 60.0))
        for _ in range(5):
            log.log_error(ValueError("x"), {}, "MEDIUM")
        log.flush()
        log.flush()

        assert [record.get("suppressed") for record in records()] == [None, 4]

    def test_kinds_are_forgotten(self):
        """A million kinds take no more memory than the limit."""
        clock = Clock()
        limit = RepeatLimit(1, 1.0, max_kinds=10, clock=clock)
        for number in range(1_000):
            limit.admit(f"kind {number}")
            clock.now += 0.5
            limit.take_held()

        assert len(limit._windows) <= 12

    @pytest.mark.parametrize("arguments", [(0, 1.0), (1, 0.0), (-1, 1.0), (1, -1.0)])
    def test_nonsense_is_refused(self, arguments):
        """With the values in the message."""
        with pytest.raises(ValueError, match=f"got {arguments[0]} and {arguments[1]}"):
            RepeatLimit(*arguments)


class TestAlerts:
    """CRITICAL and HIGH."""

    def test_serious_errors_raise_an_alert(self, log, alerts):
        """With the component of the context, what was going on, and the ids of the record."""
        log.log_error(ValueError("gone"), {"component": "database", "operation": "ingest"}, "CRITICAL")
        ((severity, component, message, details),) = alerts

        assert (severity, component, message) == ("CRITICAL", "database", "ingest: ValueError: gone")
        assert details.keys() >= {"correlation_id", "fingerprint", "operation"}

    def test_the_loggers_name_is_the_component_otherwise(self, log, alerts):
        """HIGH, without a component in the context."""
        log.log_error(ValueError("gone"), {}, "HIGH")

        assert alerts[0][:2] == ("HIGH", log.logger.name)

    @pytest.mark.parametrize("severity", ["MEDIUM", "LOW", "INFO"])
    def test_others_raise_none(self, log, alerts, severity):
        """They are only logged."""
        log.log_error(ValueError("slow"), {}, severity)

        assert alerts == []

    def test_an_alert_is_raised_even_if_logging_fails(self, log, alerts, capsys):
        """A handler that raises neither stops the alert nor reaches the caller."""

        class Broken(logging.Handler):
            def handle(self, _record):
                raise RuntimeError("secret")

        log.logger.addHandler(Broken())
        log.log_error(ValueError("gone"), {}, "CRITICAL")

        assert len(alerts) == 1
        assert "logging failed" in capsys.readouterr().err

    def test_an_alert_is_raised_even_if_no_record_can_be_made(self, alerts, capsys):
        """Then it says of the error what is known: its type."""

        class Broken(RepeatLimit):
            def admit(self, kind):
                raise OSError(kind)

        log = StructuredErrorLogger(f"test.agent{next(NUMBERS)}", router=alerts, limit=Broken())
        log.log_error(raised(ValueError("x")), {"component": "database"}, "CRITICAL")

        assert [alert[:3] for alert in alerts] == [
            ("CRITICAL", "database", "ValueError: its record could not be made")
        ]
        assert json.loads(capsys.readouterr().err)["error_type"] == "OSError"

    def test_a_router_that_fails_is_survived(self, capsys):
        """The record is written, and the failure is told by its type."""

        class Broken:
            def route_alert(self, *_arguments, **_details):
                raise RuntimeError("secret")

        StructuredErrorLogger(f"test.broken{next(NUMBERS)}", router=Broken()).log_error(
            ValueError("gone"), {}
        )
        written = capsys.readouterr().err

        assert "gone" in written
        assert "RuntimeError" in written
        assert "secret" not in written


class TestSinks:
    """Where the lines go."""

    def test_without_configuration_lines_go_to_stderr(self, log, capsys):
        """As they are, once."""
        log.log_error(ValueError("gone"), {}, "LOW")

        assert [json.loads(line)["error_message"] for line in capsys.readouterr().err.splitlines()] == [
            "gone"
        ]

    def test_parents_do_not_repeat_a_line(self, alerts, capsys):
        """Loggers below one another write each line once."""
        name = f"test.family{next(NUMBERS)}"
        StructuredErrorLogger(name, router=alerts)
        StructuredErrorLogger(f"{name}.child", router=alerts).log_error(ValueError("gone"), {})

        assert len(capsys.readouterr().err.splitlines()) == 1

    def test_two_loggers_of_one_name_do_not_repeat_a_line(self, alerts, capsys):
        """Making one again changes nothing."""
        name = f"test.twin{next(NUMBERS)}"
        for _ in range(2):
            log = StructuredErrorLogger(name, router=alerts)
        log.log_error(ValueError("gone"), {})

        assert len(capsys.readouterr().err.splitlines()) == 1

    def test_an_applications_console_is_respected(self, tmp_path):
        """Where the application configured one, it gets the line, and nothing is written twice."""
        code = (
            "import logging, sys; logging.basicConfig(format='%(message)s', stream=sys.stdout)\n"
            "from pytest_resilience import StructuredErrorLogger\n"
            "StructuredErrorLogger('agent').log_error(ValueError('gone'), {}, 'MEDIUM')"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60
        )

        assert (json.loads(done.stdout)["error_message"], done.stderr) == ("gone", "")

    def test_what_else_comes_by_the_logger_is_redacted(self, log, capsys):
        """Ordinary calls of the same logger: warnings become redacted lines, the rest is dropped as always."""
        log.logger.propagate = False  # pytest's own handler refuses malformed calls
        log.logger.info("for 123-45-6789")
        log.logger.warning("for %s", "123-45-6789")
        log.logger.error("for %d", "kestrel")
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]

        assert [line["message"] for line in lines] == [
            "for [redacted:ssn]",
            "<a logging call whose arguments raised TypeError>",
        ]

    def test_a_failing_handler_shows_nothing(self, log, capsys):
        """The standard library's report of a failed handler would show source, arguments and the handled error."""

        class Full(logging.StreamHandler):
            def format(self, _record):
                raise OSError(28, "kestrel")

        log.logger.addHandler(Full(io.StringIO()))
        try:
            int("for 123-45-6789")
        except ValueError as error:
            log.log_error(error, {"patient": "kestrel"})
        written = capsys.readouterr().err

        assert "123-45-6789" not in written
        assert "kestrel" not in written
        assert '"error_type": "OSError"' in written

    def test_a_missing_stderr_is_survived(self, log, monkeypatch):
        """A daemon has none."""
        monkeypatch.setattr(sys, "stderr", None)
        log.log_error(ValueError("gone"), {})

    def test_disabled_loggers_still_alert(self, log, alerts, caplog):
        """Who switches the log off is woken all the same."""
        log.logger.disabled = True
        log.log_error(ValueError("gone"), {}, "CRITICAL")

        assert (len(caplog.records), len(alerts)) == (0, 1)

    def test_threads_do_not_mix_lines(self, log, capsys):
        """Many threads, one line each."""
        threads = [threading.Thread(target=log.log_error, args=(ValueError(f"n {n}"), {})) for n in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = capsys.readouterr().err.splitlines()

        assert {json.loads(line)["error_message"] for line in lines} == {f"n {n}" for n in range(50)}
