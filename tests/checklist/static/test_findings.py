"""What looks wrong besides unguarded calls, each with its sound counterpart."""

from __future__ import annotations

import ast
from textwrap import indent

import pytest

from pytest_resilience.checklist.static.loops import retry_loops


def lines(places):
    """Return the lines of some places."""
    return [place.line for place in places]


def test_a_commit_between_writes_is_found(read):
    """The second write of an operation may be lost while the first stays."""
    report = read("""
        import psycopg2

        def move(conn):
            cur = conn.cursor()
            cur.execute("update a set n = n - 1")
            conn.commit()
            cur.execute("update b set n = n + 1")
            conn.commit()

        move(psycopg2.connect("x", connect_timeout=1))
    """)

    assert lines(report.commits_between) == [7]


def test_one_commit_behind_all_writes_is_sound(read):
    """A whole operation in one transaction is no finding; nor is one batch after another."""
    report = read("""
        import psycopg2

        def batch(conn, rows):
            cur = conn.cursor()
            for row in rows:
                cur.execute("insert into a values (%s)", row)
                cur.execute("insert into b values (%s)", row)
                conn.commit()

        def twice(conn):
            batch(conn, [1])
            batch(conn, [2])

        twice(psycopg2.connect("x", connect_timeout=1))
    """)

    assert lines(report.commits_between) == []
    assert lines(report.autocommit_writes) == []


def test_the_commit_may_stand_in_a_function_of_its_own(read):
    """What a function does counts where it is called, unless it is a unit by itself."""
    report = read("""
        import psycopg2

        class Store:
            def __init__(self):
                self.conn = psycopg2.connect("x")

            def run(self, sql):
                self.conn.cursor().execute(sql)

            def save(self):
                self.conn.commit()

        def main():
            store = Store()
            store.run("insert into a values (1)")
            store.save()
            store.conn.cursor().execute("insert into b values (1)")

        main()
    """)

    assert lines(report.commits_between) == [12]


@pytest.mark.parametrize(
    "switch",
    [
        "conn.autocommit = True",
        "conn.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)",
        "setattr(conn, 'autocommit', True)",
        "conn.set_session(autocommit=True)",
    ],
)
def test_several_writes_under_autocommit_are_found(read, switch):
    """However it was switched on."""
    report = read(
        """
        import psycopg2
        import psycopg2.extensions

        conn = psycopg2.connect("x")
        SWITCH
        cur = conn.cursor()
        cur.execute("insert into a values (1)")
        cur.execute("insert into b values (1)")
    """.replace("SWITCH", switch)
    )

    assert lines(report.autocommit_writes) == [8]


def test_one_write_or_a_transaction_block_is_sound_under_autocommit(read):
    """Autocommit alone is no finding."""
    report = read("""
        import psycopg

        with psycopg.connect("x", autocommit=True) as conn:
            with conn.transaction():
                conn.execute("insert into a values (1)")
                conn.execute("insert into b values (1)")

        with psycopg.connect("y", autocommit=True) as other:
            other.execute("insert into a values (1)")
            other.execute("select 1")
    """)

    assert lines(report.autocommit_writes) == []


def test_silent_handlers_are_found(read):
    """`pass`, `continue`, `return None` and `suppress`, of any error or of a call's error."""
    report = read("""
        import contextlib
        import requests

        def one():
            try:
                requests.get("x", timeout=1)
            except requests.ConnectionError:
                pass

        def two():
            try:
                return requests.get("x", timeout=1)
            except Exception:
                return None

        with contextlib.suppress(requests.RequestException):
            requests.get("x", timeout=1)
        one()
        two()
    """)

    assert lines(report.swallowed) == [8, 14, 17]


def test_quiet_handlers_of_other_errors_are_sound(read):
    """A missing key or module is no failure of a service; a fallback that is logged is none either."""
    report = read("""
        import logging
        import requests

        try:
            import ujson as json
        except ImportError:
            pass
        try:
            {}["x"]
        except KeyError:
            pass
        try:
            requests.get("x", timeout=1)
        except requests.RequestException as error:
            logging.getLogger(__name__).warning("down: %s", error)
    """)

    assert lines(report.swallowed) == []


def test_logging_without_context_is_found(read):
    """A fixed text, the bare error, a print or a traceback say neither what nor where."""
    report = read("""
        import logging, traceback

        log = logging.getLogger(__name__)
        try: 1 / 0
        except Exception: log.error("failed")
        try: 1 / 0
        except Exception as e: log.exception(e)
        try: 1 / 0
        except Exception as e: print(e)
        try: 1 / 0
        except Exception: traceback.print_exc()
        try: 1 / 0
        except Exception: log.error("failed", extra={"table": "stays"})
        try: 1 / 0
        except Exception: log.error("row %s", 7)
    """)

    assert lines(report.bare_logging) == [6, 8, 10, 12]


def test_a_logger_that_was_given_fields_logs_with_context(read):
    """Bound ones and those of an adapter, in the handler or long before; a logger of the same library has none."""
    report = read("""
        import logging, structlog
        from loguru import logger as loguru

        log, slog = logging.getLogger(__name__), structlog.get_logger()

        class Visit(logging.LoggerAdapter):
            pass

        class Job:
            def __init__(self, visit):
                self.log = slog.bind(visit=visit)
            def run(self):
                try: 1 / 0
                except Exception: self.log.exception("failed")

        Job(7).run()
        try: 1 / 0
        except Exception: loguru.bind(visit=7).error("failed")
        try: 1 / 0
        except Exception: Visit(log, {"visit": 7}).error("failed")
        try: 1 / 0
        except Exception: slog.error("failed")
        try: 1 / 0
        except Exception: loguru.error("failed")
    """)

    assert lines(report.bare_logging) == [23, 25]


@pytest.mark.parametrize(
    ("elsewhere", "found"),
    [
        ("structlog.contextvars.bind_contextvars(visit=7)", []),
        ("with loguru.contextualize(visit=7): pass", []),
        ("def add(record): record.visit = 7", []),
        ("def redact(record): record.msg = '...'", [7]),
    ],
)
def test_fields_may_be_given_to_all_records_elsewhere(read, elsewhere, found):
    """By context variables, a filter or a factory: then reading cannot tell; a filter that redacts gives none."""
    report = read(f"""
        import logging, structlog
        from loguru import logger as loguru

        {elsewhere}
        try: 1 / 0
        except Exception: logging.getLogger("x").error("failed")
    """)

    assert lines(report.bare_logging) == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("for n in range(3):\n    TRY: CALL; break\n    EXCEPT: pass\nelse:\n    raise RuntimeError", []),
        ("for n in range(3):\n    TRY: CALL; break\n    EXCEPT: continue\nraise RuntimeError", []),
        ("done = 0\nTRY:\n    CALL; done = 1\nEXCEPT: pass\nif not done: raise RuntimeError", []),
        ("for n in range(3):\n    TRY: CALL; break\n    EXCEPT: pass\nprint('done')", [6]),
        ("for n in range(3):\n    TRY: CALL\n    EXCEPT: pass\nelse:\n    print('done')", [6]),
        ("TRY: CALL\nEXCEPT: pass\nif 1: print('done')", [5]),
    ],
)
def test_a_silent_handler_is_sound_where_failing_follows(read, code, found):
    """What comes behind the attempts raises: the error is not hidden."""
    body = code.replace("TRY", "try").replace("EXCEPT", "except requests.RequestException")
    body = indent(body.replace("CALL", "requests.get('x', timeout=1)"), "    ")
    report = read(f"import requests\n\ndef fetch():\n{body}\n\nfetch()\n")

    assert lines(report.swallowed) == found


def test_a_limit_may_stand_in_a_replaced_method(read):
    """What all calls of a client go through is given one."""
    report = read("""
        import functools, requests

        session = requests.Session()
        session.request = functools.partial(session.request, timeout=5)
        session.get("x")
        other = requests.Session()
        other.request = functools.partial(other.request, verify=False)
        other.get("x")
    """)

    assert lines(report.missing_timeouts) == [9]


def test_calls_without_a_limit_are_found(read):
    """Where the library has none of its own, and neither the call nor its client gives one."""
    report = read("""
        import httpx, requests

        requests.get("x")
        requests.get("x", timeout=None)
        requests.get("x", timeout=(3, 10))
        httpx.get("x")
        httpx.Client(timeout=None).get("x")
    """)

    assert lines(report.missing_timeouts) == [4, 5, 8]


@pytest.mark.parametrize(
    ("framework", "lines"),
    [
        ("aiohttp", "from aiohttp import web; app = web.Application(); app.router.add_post('/', handle)"),
        ("aiohttp", "from aiohttp import web; web.Application().add_routes([web.get('/', handle)])"),
        ("quart", "from quart import Quart; app = Quart('x'); app.post('/')(handle)"),
        ("sanic", "from sanic import Sanic; app = Sanic('x'); app.add_route(handle, '/')"),
        ("bottle", "import bottle; bottle.route('/')(handle)"),
        ("litestar", "import litestar; root = litestar.get('/')(handle)"),
        (
            "tornado",
            "import tornado.web\nclass Root(tornado.web.RequestHandler):\n    def get(self): handle(self)",
        ),
        ("aiohttp", "from aiohttp import web\nclass Root(web.View):\n    async def get(self): handle(self)"),
    ],
)
def test_what_a_framework_calls_is_answered_by_it(read, framework, lines):
    """It turns an error into its own answer, and logs it."""
    report = read(
        f"import requests\ndef handle(request):\n    requests.get('https://x', timeout=1)\n{lines}\n"
    )

    (site,) = report.sites
    assert (site.state, framework in site.path[0]) == ("framework", True), site


def test_what_translates_errors_hides_no_retry_and_no_breaker(read):
    """They see the error that it raises instead."""
    report = read("""
        import requests
        from pytest_resilience import CircuitBreaker, Retry, RetryableError
        from pytest_resilience.runtime.classify import translated_errors

        breaker = CircuitBreaker(5, 5.0, RetryableError, name="labs")

        def ask():
            with translated_errors("asking"):
                requests.get("https://x", timeout=1)

        Retry(3).call(breaker.call, ask)
        """)

    (site,) = report.sites
    assert (site.state, site.breaker, site.retried is not None) == ("guarded", "pytest_resilience", True)


@pytest.mark.parametrize(
    ("retry", "retried"),
    [
        ("Retry(NoBackoff(), 0)", False),
        ("Retry(NoBackoff(), retries=0)", False),
        ("Retry(NoBackoff(), 3)", True),
        ("Retry(NoBackoff(), retries=tries)", True),
    ],
)
def test_a_client_that_is_told_to_try_once_tries_nothing_again(read, retry, retried):
    """Its waits are none that could be wrong."""
    report = read(f"""
        import sys, redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        tries = int(sys.argv[1])
        redis.Redis(retry={retry}).get("position")
        """)

    (site,) = report.sites
    assert (site.retried is not None) == retried, site


@pytest.mark.parametrize(
    ("wait", "backoff"),
    [
        ("pause(attempt)", "unknown"),
        ("self.back_off.next()", "constant"),
        ("self.wait_before(attempt)", "unknown"),
        ("log.warning('again')", "constant"),
        ("time.sleep(0.3)", "constant"),
        ("time.sleep(0.3 * 2 ** attempt)", "exponential"),
    ],
)
def test_how_long_another_function_waits_is_not_known(wait, backoff):
    """It is not said to be always the same."""
    code = f"""
for attempt in range(4):
    try:
        return ask()
    except OSError:
        {wait}
"""
    is_sleep = lambda call: ast.unparse(call.func) == "time.sleep"  # noqa: E731
    (frame,) = retry_loops(ast.parse(code).body, is_sleep, lambda node: f"line {node.lineno}").values()

    assert frame.retried.backoff == backoff
