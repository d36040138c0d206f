"""The sample applications, labelled: what is wrong with each, and what the gate has to say of it.

Sound ones stand as a whole in their folders. A fragile one's folder holds the files in which it differs from the sound
one that is its `base`; `assemble.py` puts the two together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent
ITEM_IDS = (
    "external-calls",
    "backoff",
    "transactions",
    "checkpoints",
    "structured-logs",
    "alerts",
    "rollback",
    "breakers",
    "messages",
    "runbooks",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One sample application.

    Args:
        name: its folder.
        workloads: what it declares.
        uses: the libraries that it is built with.
        why: what is wrong with it, or sound, in one line.
        expected: verdicts by item; for a sound one all ten, for a fragile one what it has to fail.
        broken_by: the fault, or the faults together, that show its mistake to the exploration, by their ids.
        base: the sound application that it differs from; none where it is one.
        without: files of its base that it does not have.
    """

    name: str
    workloads: tuple[str, ...]
    uses: str
    why: str
    expected: Mapping[str, str] = field(default_factory=dict)
    broken_by: tuple[str, ...] = ()
    base: str | None = None
    without: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with it."""
        return "failed" not in self.expected.values() and not self.broken_by


def _passes(*not_applicable: str) -> dict[str, str]:
    return {item: "not-applicable" if item in not_applicable else "passed" for item in ITEM_IDS}


_SERVES = ("transactions", "checkpoints", "rollback")

SOUND = (
    App(
        name="admissions",
        workloads=("ingest",),
        uses="psycopg2, requests, tenacity, pybreaker",
        why="position and rows in one transaction, which begins by reading how far things are",
        expected=_passes("breakers"),
    ),
    App(
        name="vitals",
        workloads=("sync",),
        uses="asyncpg, httpx, stamina, circuitbreaker, structlog",
        why="cursor and page in one transaction, the cursor read again under a lock",
        expected=_passes("breakers"),
    ),
    App(
        name="dispatch",
        workloads=("dispatch",),
        uses="SQLAlchemy 2 on psycopg, httpx, backoff, circuitbreaker",
        why="each order with its lines in one transaction, acknowledged by a POST with an idempotency key",
        expected=_passes("breakers"),
    ),
    App(
        name="census",
        workloads=("load",),
        uses="psycopg 3, COPY into a temporary table, a loop of its own",
        why="a day in one transaction, which looks first whether the day is there",
        expected=_passes("breakers"),
    ),
    App(
        name="triage",
        workloads=("api",),
        uses="FastAPI, uvicorn, aiohttp, structlog, a loop and a breaker of its own",
        why="answers 503 with a reference while guidelines fail, and refuses fast once they have failed often",
        expected=_passes(*_SERVES),
    ),
    App(
        name="answered_first",
        base="triage",
        workloads=("api",),
        uses="FastAPI's background tasks, aiohttp",
        why="answers at once and asks for guidelines then, so that no answer says how that went",
        expected=_passes(*_SERVES),
    ),
    App(
        name="risk",
        workloads=("score",),
        uses="requests, urllib3 Retry, pybreaker",
        why="raises its own error with the cause, and alerts from a thread of its own",
        expected=_passes(*_SERVES),
    ),
    App(
        name="kept_session",
        base="census",
        workloads=("load",),
        uses="psycopg 3, one connection for the whole run",
        why="search_path is set on each new connection",
        expected=_passes("breakers"),
    ),
    App(
        name="two_faults_sound",
        base="census",
        workloads=("load",),
        uses="psycopg 3",
        why="after a lost COMMIT it asks whether the day is there, until that is answered",
        expected=_passes("breakers"),
    ),
)


def _fragile(
    name: str,
    base: str,
    item: str | None,
    uses: str,
    why: str,
    *,
    broken_by: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
) -> App:
    return App(
        name=name,
        base=base,
        workloads=next(app.workloads for app in SOUND if app.name == base),
        uses=uses,
        why=why,
        expected={item: "failed"} if item else {},
        broken_by=broken_by,
        without=without,
    )


FRAGILE = (
    _fragile(
        "raw_connection_error", "admissions", "external-calls", "requests", "ConnectionError crosses main"
    ),
    _fragile(
        "swallowed", "risk", "external-calls", "requests", "except: pass, and a made-up score is returned"
    ),
    _fragile("no_timeout", "risk", "external-calls", "requests", "no time-out, so a hang blocks for ever"),
    _fragile(
        "hung_database", "census", "external-calls", "psycopg 3", "nothing ends a connection that is silent"
    ),
    _fragile("constant_waits", "risk", "backoff", "httpx, backoff", "backoff.constant"),
    _fragile("linear_waits", "admissions", "backoff", "requests, tenacity", "wait_incrementing"),
    _fragile(
        "retries_refusals", "risk", "backoff", "httpx, tenacity", "every error is retried, 400 and 401 too"
    ),
    _fragile("endless", "risk", "backoff", "httpx, a loop of its own", "tries again without end"),
    _fragile(
        "keyless_posts",
        "dispatch",
        "backoff",
        "httpx, backoff",
        "a POST is sent again without an idempotency key",
    ),
    _fragile(
        "key_each_try", "dispatch", "backoff", "httpx, backoff", "each try has an idempotency key of its own"
    ),
    _fragile("deaf_to_retry_after", "triage", "backoff", "aiohttp", "does not read Retry-After"),
    _fragile("layers_multiply", "risk", "backoff", "urllib3 Retry, tenacity", "4 tries of 5 tries are 20"),
    _fragile(
        "commit_between",
        "admissions",
        "transactions",
        "psycopg2",
        "rows and ledger in two transactions; the next try mends it, until then they disagree",
        broken_by=("COMMIT-2-reply-lost-reply",),
    ),
    _fragile(
        "autocommit",
        "census",
        "transactions",
        "psycopg 3",
        "two writes under autocommit",
        broken_by=("INSERT-1-reply-kill",),
    ),
    _fragile(
        "statement_retried",
        "census",
        "transactions",
        "psycopg 3",
        "after 40001 the statement alone runs again, what came before it is gone",
        broken_by=("INSERT-2-request-error",),
    ),
    _fragile(
        "commit_resent",
        "admissions",
        "transactions",
        "psycopg2, tenacity",
        "a batch is inserted again after the answer to its COMMIT was lost",
        broken_by=("COMMIT-2-reply-lost-reply",),
    ),
    _fragile(
        "row_by_row",
        "dispatch",
        "transactions",
        "SQLAlchemy",
        "the session commits each row",
        broken_by=("INSERT-2-request-kill",),
    ),
    _fragile(
        "checkpoint_after",
        "admissions",
        "checkpoints",
        "psycopg2, a text file",
        "the position is written after the commit, so that a kill between doubles a batch",
        broken_by=("COMMIT-1-reply-kill",),
    ),
    _fragile(
        "checkpoint_before",
        "admissions",
        "checkpoints",
        "psycopg2, a text file",
        "the position is written before the rows, so that a kill between loses a batch",
        broken_by=("INSERT-1-request-kill",),
    ),
    _fragile(
        "marked_before",
        "dispatch",
        "checkpoints",
        "SQLAlchemy, httpx",
        "an order is marked as acknowledged before it is, so that a kill between leaves it unsaid",
    ),
    _fragile("from_zero", "vitals", "checkpoints", "asyncpg, httpx", "begins with the first page each time"),
    _fragile("half_written", "admissions", "checkpoints", "psycopg2, JSON", "the file is written in place"),
    _fragile(
        "damaged_trusted", "admissions", "checkpoints", "psycopg2, a text file", "any digits are believed"
    ),
    _fragile("developers_renderer", "vitals", "structured-logs", "structlog", "the renderer for developers"),
    _fragile("printed", "census", "structured-logs", "print", "errors are printed"),
    _fragile("bare_traceback", "risk", "structured-logs", "traceback", "print_exc and nothing else"),
    _fragile(
        "no_context", "dispatch", "structured-logs", "logging, logfmt", "the formatter leaves the context out"
    ),
    _fragile("no_alert", "census", "alerts", "-", "nobody is told", without=("census/alarm.py",)),
    _fragile("only_mail", "dispatch", "alerts", "smtplib", "a lasting outage is told by e-mail alone"),
    _fragile("alerts_table", "admissions", "alerts", "psycopg2", "alerts go through the database that fails"),
    _fragile("short_key", "vitals", "alerts", "httpx", "routing key and severity are not PagerDuty's"),
    _fragile("new_key_each_time", "admissions", "alerts", "urllib", "each repeat opens an incident"),
    _fragile(
        "dead_endpoint",
        "dispatch",
        "alerts",
        "httpx",
        "the job dies of a dead endpoint, and forgets the alert",
    ),
    _fragile("empty_rollback", "vitals", "rollback", "-", "the rollback does nothing"),
    _fragile(
        "truncating_rollback", "admissions", "rollback", "psycopg2", "takes out what earlier files brought"
    ),
    _fragile(
        "once_only_rollback", "dispatch", "rollback", "SQLAlchemy", "crashes when there is nothing to undo"
    ),
    _fragile("no_breaker", "risk", "breakers", "requests", "each call goes out"),
    _fragile("breaker_per_call", "risk", "breakers", "pybreaker", "each call makes itself a breaker"),
    _fragile("breaker_for_ever", "triage", "breakers", "a breaker of its own", "once open it stays open"),
    _fragile("error_occurred", "risk", "messages", "requests", '"error occurred" is all that is said'),
    _fragile(
        "dsn_in_message", "admissions", "messages", "psycopg2", "the message has the DSN with its password"
    ),
    _fragile(
        "token_in_url", "risk", "messages", "requests", "the token stands in the URL, and in the error's text"
    ),
    _fragile(
        "logged_arguments",
        "vitals",
        "messages",
        "stamina",
        "the hook for retries logs arguments, a key is one",
    ),
    _fragile(
        "no_runbooks",
        "dispatch",
        "runbooks",
        "-",
        "there are none",
        without=("runbooks/stock.md", "runbooks/pharmacy.md"),
    ),
    _fragile("dead_link", "admissions", "runbooks", "-", "a link leads nowhere"),
    _fragile("missing_section", "vitals", "runbooks", "-", "nothing says how to verify"),
    _fragile("unknown_command", "census", "runbooks", "-", "the drill's command is nowhere to be found"),
    _fragile(
        "day_given_up",
        "census",
        "transactions",
        "psycopg 3",
        "a day that could not be loaded is logged and alerted, and the job ends with status 0",
    ),
    _fragile(
        "lost_session",
        "census",
        "transactions",
        "psycopg 3",
        "search_path is set once, a new connection writes into the old tables",
        broken_by=("COMMIT-1-request-cut",),
    ),
    _fragile(
        "two_faults",
        "census",
        None,
        "psycopg 3",
        "after a lost COMMIT a question that fails too is taken for a no",
        broken_by=("COMMIT-2-reply-lost-reply", "Startup-3-request-cut"),
    ),
)

APPS: Mapping[str, App] = {app.name: app for app in (*SOUND, *FRAGILE)}


def of_item(item: str) -> Iterator[App]:
    """Yield the fragile applications that have to fail an item."""
    return (app for app in FRAGILE if app.expected.get(item) == "failed")
