"""Every block of the pages on calls does what the page says of it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from pytest_resilience import (
    BusinessLogicError,
    CircuitBreakerOpenError,
    Degraded,
    FatalError,
    RetryableError,
)
from pytest_resilience.events import CircuitOpened, tell
from pytest_resilience.testing import FlakyCall, event_log, virtual_time

HERE = Path(__file__).parents[1] / "examples"
ROOT = HERE.parents[1]


def example(name):
    """Load a block as a module of its own."""
    spec = importlib.util.spec_from_file_location(f"example_{Path(name).stem}", HERE / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def clock():
    """Virtual time: no example waits."""
    with virtual_time() as clock:
        yield clock


@pytest.mark.parametrize("page", ["calls", "migrating"])
def test_every_file_of_a_page_is_shown_on_it(page):
    """No example is tested that nobody can read."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    files = sorted((HERE / page).glob("*.py"))

    assert files
    assert [file.name for file in files if f"<!-- {file.relative_to(ROOT)} -->" not in text] == []


class Labs(BaseHTTPRequestHandler):
    """Be busy once, then answer."""

    answers = [503, 200]  # noqa: RUF012 - each test sets its own

    def do_GET(self):
        status = self.answers.pop(0)
        body = b'{"lactate": 1.2}'
        self.send_response(status)
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Keep quiet."""


@pytest.fixture
def labs_url():
    """A laboratory server that is busy at first."""
    Labs.answers = [503, 200]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Labs)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_first_retry(clock, labs_url, monkeypatch):
    """A real 503 with `Retry-After: 7` is waited for and tried again."""
    monkeypatch.setenv("LABS_URL", labs_url)

    assert example("calls/first_retry.py").fetch_labs(4) == {"lactate": 1.2}
    assert clock.sleeps == [7.0]


def test_the_policys_functions(clock):
    """The lock is waited for in equal steps, the source with growing ones."""
    module = example("calls/policy_functions.py")
    rows = iter([(False,), (False,), (True,)])
    cursor = SimpleNamespace(execute=lambda *_: None, fetchone=lambda: next(rows))
    module.take_lock(cursor, 7)
    source = SimpleNamespace(read=FlakyCall(ConnectionError("reset"), "rows"))

    assert module.load(source) == "rows"
    assert clock.sleeps[:2] == [5.0, 5.0]


def test_the_loop(database):
    """A real database, whose first connection is refused."""
    import psycopg2

    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("create schema raw; create table raw.icustays as select 4 as stay_id, 2.5 as los")
    connection.close()
    refused = iter([ConnectionRefusedError(111, "refused")])
    connections = []

    def connect():
        for error in refused:
            raise error
        connections.append(psycopg2.connect(database))
        return connections[-1]

    with virtual_time():
        row = example("calls/loop.py").load_stay(connect, 4)
    for one in connections:
        one.close()

    assert float(row[0]) == 2.5


def test_async_calls(clock):
    """Both forms try again."""
    module = example("calls/async_calls.py")

    def handler(request):
        return httpx.Response(answers.pop(0), json={"lactate": 1.2})

    async def main(form):
        async with httpx.AsyncClient(
            transport=httpx.MockTransport(handler), base_url="http://labs"
        ) as client:
            return await form(client, 4)

    for form in (module.fetch_labs, module.fetch_in_a_loop):
        answers = [503, 200]

        assert asyncio.run(main(form)) == {"lactate": 1.2}
        assert answers == []


def test_the_classifier(clock):
    """The driver's own error is tried again, others of its kind are not."""
    module = example("calls/classifier.py")

    assert module.POLICY.call(FlakyCall(module.AnalyserBusyError(), "values")) == "values"
    with pytest.raises(KeyError):
        module.POLICY.call(FlakyCall(KeyError("x")))


def test_borders(database):
    """A real missing table is a FatalError that says where."""
    import psycopg2

    connection = psycopg2.connect(database)
    with pytest.raises(FatalError, match=r"reading raw.icustays failed: SQLSTATE 42P01") as caught:
        example("calls/borders.py").read_stays(connection)
    connection.close()

    assert isinstance(caught.value.__cause__, psycopg2.Error)


def test_writes(clock):
    """All attempts of one order have one key, the next order another."""
    keys = []
    outcomes = FlakyCall(ConnectionResetError(104, "reset"), "done")
    session = SimpleNamespace(
        post=lambda *_, headers, **__: (keys.append(headers["Idempotency-Key"]), outcomes())
    )
    order = example("calls/writes.py").order_test
    order(session, 4, "lactate")
    order(session, 4, "lactate")

    assert [keys.count(keys[0]), keys.count(keys[2])] == [2, 1]


def test_deadlines(database):
    """A real database is given what remains of the minute."""
    import psycopg2

    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("create schema raw; create table raw.icustays as select 4 as stay_id")
    connection.close()
    count, remaining = example("calls/deadlines.py").nightly_report(database)

    assert count == 1
    assert 0 < remaining <= 60


@pytest.fixture
def hung():
    """The block on silent servers; what it sets for all of psycopg2 is taken back."""
    from psycopg2.extensions import set_wait_callback

    yield example("calls/hung.py")
    set_wait_callback(None)


@pytest.mark.parametrize("client", ["by_psycopg2", "by_psycopg", "by_asyncpg"])
def test_a_silent_database_is_given_up_by_each_client(hung, proxied, client):
    """Each counts while the database answers, and raises a TimeoutError once it is silent."""
    count = getattr(hung, client)
    count = (lambda *of: asyncio.run(hung.by_asyncpg(*of))) if client == "by_asyncpg" else count
    with contextlib.closing(hung.psycopg2.connect(proxied.dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("create schema raw; create table raw.icustays as select 4 as stay_id")
        connection.commit()
    assert count(proxied.dsn, 30) == 1
    with proxied.at(sql="icustays").hang(), pytest.raises(TimeoutError):
        count(proxied.dsn, 0.5)


def test_psycopg_2_gives_up_in_any_thread(hung, proxied):
    """Its wait callback looks at the deadline by itself."""
    with proxied.at(sql="icustays").hang(), ThreadPoolExecutor() as threads:
        assert isinstance(threads.submit(hung.by_psycopg2, proxied.dsn, 0.5).exception(), TimeoutError)


IN_A_THREAD = """
import sys
from concurrent.futures import ThreadPoolExecutor
import psycopg
from pytest_resilience import Deadline, DeadlineExceededError

def ask(dsn):
    with psycopg.connect(dsn) as connection:
        connection.execute("select 'icustays'")

with ThreadPoolExecutor() as threads:
    error = threads.submit(Deadline(0.5).call, ask, sys.argv[1]).exception()
assert isinstance(error, DeadlineExceededError), error
"""


def test_psycopg_3_gives_up_in_any_thread_where_it_waits_in_python(proxied):
    """The variable that the page names makes its wait interruptible."""
    with proxied.at(sql="icustays").hang():
        done = subprocess.run(
            [sys.executable, "-c", IN_A_THREAD, proxied.dsn],
            env=os.environ | {"PSYCOPG_WAIT_FUNC": "wait_poll"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr


class Trickling(BaseHTTPRequestHandler):
    """Never send the end of an answer, and never be silent for long."""

    over = threading.Event()

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.over.wait(0.05):
                self.wfile.write(b" ")

    def log_message(self, *_):
        """Say nothing."""


def test_a_trickling_server_is_given_up(hung):
    """The client's own limit starts anew with each byte; the deadline does not."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Trickling) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            with pytest.raises(TimeoutError):
                hung.by_httpx(f"http://127.0.0.1:{server.server_port}", 0.5)
        finally:
            Trickling.over.set()
            server.shutdown()


def test_breakers(clock):
    """After five failures the laboratory is left alone; each host has its own."""
    module = example("calls/breakers.py")
    client = SimpleNamespace(get=FlakyCall(ConnectionError("down")))
    for _ in range(5):
        with pytest.raises(ConnectionError):
            module.values_or_none(client, 4)

    assert module.values_or_none(client, 4) is None
    for _ in range(3):
        with pytest.raises(TimeoutError):
            module.ping("first", FlakyCall(TimeoutError()))
    with pytest.raises(CircuitBreakerOpenError):
        module.ping("first", len)
    assert module.ping("second", len) == 6


def test_pipelines(clock):
    """The printed order, the real answer, and the marked one."""
    module = example("calls/pipelines.py")
    page = (ROOT / "docs" / "calls.md").read_text(encoding="utf-8")
    working = SimpleNamespace(predict=lambda _: {"risk": 0.1})
    broken = SimpleNamespace(predict=FlakyCall(ConnectionError("down")))

    assert str(module.SERVING).replace("example_pipelines.", "serving.") in page
    assert module.risk(working, 4) == {"risk": 0.1}
    assert module.risk(broken, 4) == {"risk": "unknown", "because": "ConnectionError", "degraded": True}
    assert isinstance(module.SERVING.call(broken.predict, 4), Degraded)


def test_listening(caplog):
    """Both listeners hear of it, until they are unsubscribed."""
    leave = example("calls/listening.py").start_listening()
    for _ in range(2):
        tell((), CircuitOpened("labs", 5, None, 60.0))
        for one in leave:
            one()

    assert caplog.messages == ["breaker labs opened after 5 failures"]


def test_rules():
    """A bad quality stops the release, a good one does not."""
    released = []
    model = SimpleNamespace(name="mortality", auroc=0.86, publish=lambda: released.append("mortality"))
    release = example("calls/rules.py").release
    with pytest.raises(BusinessLogicError, match=r"data_quality_score of raw.icustays is 0.85"):
        release(model, 0.85)
    release(model, 0.95)

    assert released == ["mortality"]


# --- migrating


def test_from_tenacity(clock):
    """Five attempts in both forms."""
    module = example("migrating/from_tenacity.py")
    for form in (module.load, module.load_in_a_loop):
        source = SimpleNamespace(read=FlakyCall(ConnectionError("down")))
        with pytest.raises(ConnectionError):
            form(source)

        assert len(source.read.calls) == 5


def test_from_stamina(clock):
    """At most 45 seconds."""
    source = SimpleNamespace(read=FlakyCall(ConnectionError("down")).call_async)
    with event_log() as log, pytest.raises(ConnectionError):
        asyncio.run(example("migrating/from_stamina.py").load(source))

    assert 1 < log.events[-1].attempts <= 10
    assert sum(clock.sleeps) < 45


def test_from_pybreaker(clock):
    """Five failures open it, whichever form they came through; a ValueError is none."""
    module = example("migrating/from_pybreaker.py")
    source = SimpleNamespace(read=FlakyCall(*[ValueError("data")] * 9, RetryableError("down")))
    for _ in range(9):
        with pytest.raises(ValueError, match="data"):
            module.load(source)
    for form in (module.load, module.load_in_a_block) * 3:
        with pytest.raises((RetryableError, CircuitBreakerOpenError)):
            form(source)

    assert [(event.breaker, event.failures) for event in module.OPENED] == [("labs", 5)]
