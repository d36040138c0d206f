"""The classifier: real exceptions of real libraries, by tables, without importing any of them."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pytest_resilience import (
    BusinessLogicError,
    CircuitBreakerOpenError,
    DeadlineExceededError,
    FatalError,
    RetryableError,
    Severity,
)
from pytest_resilience.runtime.classify import Classifier, classify, severity_of, translate, translated_errors
from pytest_resilience.runtime.foreign import http as http_table
from pytest_resilience.runtime.foreign import mlflow as mlflow_table
from pytest_resilience.runtime.foreign import postgres as postgres_table
from pytest_resilience.runtime.foreign.verdict import Verdict
from pytest_resilience.runtime.retry_after import parse_retry_after
from pytest_resilience.testing import FakeClock


class PgError(Exception):
    """Stands for an exception with a SQLSTATE that the test server cannot be made to raise."""

    def __init__(self, code):
        super().__init__("server said so")
        self.pgcode = code


PgError.__module__, PgError.__qualname__ = "psycopg2", "Error"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((code, RetryableError) for code in ("08000", "08001", "08003", "08006", "08P01")),
        *((code, RetryableError) for code in ("40001", "40P01", "53300", "57P01", "57P02", "57P03")),
        *((code, RetryableError) for code in ("53100", "53200", "55P03", "57P05", "58030")),
        *((code, FatalError) for code in ("57014", "28000", "28P01", "42P01", "42703", "42501", "42601")),
        *(
            (code, FatalError)
            for code in ("23505", "23503", "22P02", "3D000", "40003", "53400", "P0001", "XX000")
        ),
    ],
)
def test_sqlstates(code, kind):
    """The policy's codes, and what stands near them."""
    verdict = classify(PgError(code))

    assert kind is verdict.kind
    assert code in verdict.condition


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [("57014", FatalError), ("28P01", FatalError), ("28000", FatalError), ("57P01", RetryableError)],
)
def test_psycopg2_errors_that_no_server_sent(sqlstate, kind):
    """Their class stands for their SQLSTATE, whatever their message says: only the driver can give them a code."""
    from psycopg2 import errors

    verdict = classify(errors.lookup(sqlstate)("connection is closed"))

    assert (verdict.kind, f"SQLSTATE {sqlstate}" in verdict.condition) == (kind, True)


def test_real_psycopg2_errors(database):
    """What a real server makes psycopg2 raise."""
    import psycopg2

    connection = psycopg2.connect(database)
    kinds = {}
    with connection.cursor() as cursor:
        for name, statement in {
            "syntax": "selec 1",
            "table": "select * from nothing",
            "data": "select 'seven'::int",
            "time-out": "set local statement_timeout = 1; select pg_sleep(3600)",
            "shutdown": "select pg_terminate_backend(pg_backend_pid())",
        }.items():
            with pytest.raises(psycopg2.Error) as caught:
                cursor.execute(statement)
            kinds[name] = classify(caught.value).kind
            if name != "shutdown":
                connection.rollback()
    with pytest.raises(psycopg2.InterfaceError) as caught:
        connection.cursor()
    kinds["closed"] = classify(caught.value).kind

    assert {
        "syntax": FatalError,
        "table": FatalError,
        "data": FatalError,
        "time-out": FatalError,
        "shutdown": RetryableError,
        "closed": RetryableError,
    } == kinds


def test_real_connection_errors(database):
    """Libpq gives no SQLSTATE when it connects: its words are known."""
    import psycopg
    import psycopg2

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    attempts = {
        "nobody there": f"host=127.0.0.1 port={port} dbname=x",
        "no database": psycopg2.extensions.make_dsn(database, dbname="nothing"),
    }
    kinds = {}
    for name, dsn in attempts.items():
        for library in (psycopg2, psycopg):
            with pytest.raises(library.OperationalError) as caught:
                library.connect(dsn)
            kinds.setdefault(name, set()).add(classify(caught.value).kind)

    assert {"nobody there": {RetryableError}, "no database": {FatalError}} == kinds


def test_sqlalchemy_carries_the_real_error():
    """It is unwrapped; an exhausted pool is its own."""
    import sqlalchemy.exc

    wrapped = sqlalchemy.exc.OperationalError("select 1", {}, PgError("40001"))

    assert "40001" in classify(wrapped).condition
    assert classify(wrapped).kind is RetryableError
    assert classify(sqlalchemy.exc.TimeoutError("QueuePool limit reached")).kind is RetryableError


def test_asyncpg():
    """By SQLSTATE as well."""
    import asyncpg

    assert classify(asyncpg.exceptions.DeadlockDetectedError("x")).kind is RetryableError
    assert classify(asyncpg.exceptions.TooManyConnectionsError("x")).kind is RetryableError
    assert classify(asyncpg.exceptions.UndefinedTableError("x")).kind is FatalError


class Answer(BaseHTTPRequestHandler):
    """Answer with the status that the path asks for."""

    def do_GET(self):
        self.send_response(int(self.path[1:]))
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        """Keep quiet."""


@pytest.fixture(scope="module")
def url():
    """A server that answers /503 with a 503."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def by_requests(url):
    """Ask as requests does."""
    import requests

    requests.get(url, timeout=30).raise_for_status()


def by_httpx(url):
    """Ask as httpx does."""
    import httpx

    httpx.get(url).raise_for_status()


def by_urllib(url):
    """Ask as the standard library does."""
    try:
        urllib.request.urlopen(url)  # noqa: S310 - the scheme is the test's
    except urllib.error.HTTPError as error:
        error.close()
        raise


@pytest.mark.parametrize("ask", [by_requests, by_httpx, by_urllib])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (503, RetryableError),
        (429, RetryableError),
        (500, RetryableError),
        (404, FatalError),
        (501, FatalError),
    ],
)
def test_real_http_answers(url, ask, status, kind):
    """By status, with the `Retry-After` of the answer."""
    with pytest.raises(Exception) as caught:
        ask(f"{url}/{status}")
    verdict = classify(caught.value)

    assert (kind, 7.0) == (verdict.kind, verdict.retry_after)
    assert str(status) in verdict.condition


@pytest.mark.parametrize("ask", [by_requests, by_httpx, by_urllib])
def test_nobody_listens(ask):
    """Each library's way to say so is retriable."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Exception) as caught:
        ask(f"http://127.0.0.1:{port}/")

    assert classify(caught.value).kind is RetryableError


@pytest.mark.parametrize("ask", [by_requests, by_httpx, by_urllib])
def test_an_address_that_makes_no_sense(ask):
    """To ask again does not mend it."""
    with pytest.raises(Exception) as caught:
        ask("ftpx://nowhere")

    assert classify(caught.value).kind is FatalError


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, RetryableError) for status in (408, 425, 429, 500, 502, 503, 504, 520, 599)),
        *((status, FatalError) for status in (400, 401, 403, 404, 409, 418, 422, 501, 505, 511, 302, 999)),
    ],
)
def test_statuses(status, kind):
    """What is not in the table counts as the first of its hundred."""
    assert kind is http_table.by_status(status).kind


def test_urllib3_carries_its_reason():
    """`MaxRetryError` is only the envelope."""
    import urllib3

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with urllib3.PoolManager() as pool, pytest.raises(urllib3.exceptions.MaxRetryError) as caught:
        pool.request("GET", f"http://127.0.0.1:{port}/", retries=0)

    assert classify(caught.value).kind is RetryableError


def test_mlflow_by_error_code():
    """Every code that MLflow knows has a verdict; the busy and the missing are told apart."""
    from mlflow.exceptions import MlflowException, RestException
    from mlflow.protos import databricks_pb2 as codes

    def kind(code):
        return classify(MlflowException("no", error_code=codes.ErrorCode.Value(code))).kind

    assert {
        kind(code) for code in ("TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "INTERNAL_ERROR")
    } == {RetryableError}
    assert {
        kind(code) for code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "PERMISSION_DENIED")
    } == {FatalError}
    assert classify(RestException({"error_code": "RESOURCE_CONFLICT", "message": "x"})).kind is RetryableError
    assert set(mlflow_table.CODES) <= set(codes.ErrorCode.keys())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "disk full"), RetryableError),
        (OSError(errno.ECONNREFUSED, "refused"), RetryableError),
        (OSError(errno.EMFILE, "too many files"), RetryableError),
        (OSError(errno.ENOENT, "missing"), FatalError),
        (OSError(errno.EACCES, "forbidden"), FatalError),
        (OSError(errno.EROFS, "read-only"), FatalError),
        (OSError(errno.EINVAL, "invalid"), FatalError),
        (OSError("without a number"), FatalError),
        (ConnectionResetError(), RetryableError),
        (TimeoutError(), RetryableError),
        (socket.gaierror(socket.EAI_AGAIN, "again"), RetryableError),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), FatalError),
        (ssl.SSLCertVerificationError("no"), FatalError),
        (http.client.RemoteDisconnected("gone"), RetryableError),
        (http.client.IncompleteRead(b""), RetryableError),
        (TypeError(), FatalError),
        (AttributeError(), FatalError),
        (ZeroDivisionError(), FatalError),
        (ValueError(), FatalError),
        (KeyError(), FatalError),
        (json.JSONDecodeError("x", "y", 0), FatalError),
        (RetryableError(), RetryableError),
        (BusinessLogicError(), BusinessLogicError),
        (CircuitBreakerOpenError(), CircuitBreakerOpenError),
        (DeadlineExceededError(), DeadlineExceededError),
    ],
)
def test_the_system_python_and_ourselves(error, kind):
    """ENOSPC retryable, ENOENT fatal, programming errors fatal, our own as they are."""
    assert kind is classify(error).kind


def test_a_group_is_as_bad_as_its_worst():
    """Only if all of its members may be tried again, may it."""
    retryable, fatal = ConnectionResetError(), TypeError()

    assert classify(ExceptionGroup("both", [retryable, retryable])).kind is RetryableError
    assert classify(ExceptionGroup("both", [retryable, fatal])).kind is FatalError


def test_a_function_extends_it():
    """Yours is asked first, and says `None` where it does not know."""

    class OurDriverError(Exception):
        pass

    def rule(error):
        return Verdict(RetryableError, "the driver", "Again.") if isinstance(error, OurDriverError) else None

    extended = Classifier(rule)

    assert FatalError is classify(OurDriverError()).kind
    assert (RetryableError, FatalError) == (extended(OurDriverError()).kind, extended(TypeError()).kind)


@pytest.mark.parametrize(
    ("error", "severity"),
    [
        (PgError("08006"), Severity.CRITICAL),
        (OSError(errno.ENOSPC, "full"), Severity.HIGH),
        (TypeError(), Severity.HIGH),
        (CircuitBreakerOpenError(), Severity.MEDIUM),
    ],
)
def test_severities(error, severity):
    """A lost database is critical."""
    assert severity is severity_of(error)


def test_a_rate_limit_is_information():
    """§1: a rate-limit warning is not an error."""
    assert http_table.by_status(429).severity is Severity.INFO


# --- Retry-After


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_retry_after_in_both_forms(value, seconds):
    """Seconds, or a date, which is measured against the wall clock; nonsense is no request (RFC 9110)."""
    assert seconds == parse_retry_after(value, FakeClock(time=1_700_000_000.0))


# --- translation


def test_a_translation_says_what_where_and_what_now():
    """And carries the foreign exception as its cause, and none of its data."""
    secret = "Key (name)=(Jane Doe) already exists"
    foreign = PgError("23505")
    foreign.args = (secret,)
    with pytest.raises(FatalError) as caught, translated_errors("writing raw.icustays"):
        raise foreign

    message = str(caught.value)
    assert "writing raw.icustays failed: SQLSTATE 23505" in message
    assert "Correct the data" in message
    assert "Jane" not in message
    assert foreign is caught.value.__cause__


def test_ours_pass_a_translation_untouched():
    """The same object."""
    error = BusinessLogicError("quality")
    with pytest.raises(BusinessLogicError) as caught, translated_errors("checking"):
        raise error

    assert error is caught.value
    assert error is translate(error, "checking")


def test_a_translation_keeps_retry_after():
    """For the retry above it."""
    import requests

    response = requests.Response()
    response.status_code = 429
    response.headers["Retry-After"] = "7"
    translation = translate(requests.HTTPError(response=response), "asking the labs")

    assert (RetryableError, 7.0) == (type(translation), translation.retry_after)


def test_every_verdict_says_what_to_do():
    """No entry of a table is without advice."""
    tables = [
        postgres_table.SQLSTATES,
        postgres_table.KINDS,
        http_table.STATUSES,
        http_table.KINDS,
        mlflow_table.CODES,
    ]

    assert all(verdict.advice.endswith((".", ".log.")) for table in tables for verdict in table.values())


def test_no_library_is_imported_to_know_its_errors():
    """Classes are known by name."""
    program = (
        "import sys; from pytest_resilience.runtime.classify import classify; classify(TypeError());"
        "print({'psycopg2', 'requests', 'urllib3', 'httpx', 'mlflow', 'redis'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
