"""However the network cuts the bytes, the same messages are seen, and without a strike every byte is passed on."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any

import asyncpg
import psycopg
import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_resilience.proxy.faults.definition import read_fault
from pytest_resilience.proxy.faults.desk import FaultDesk
from pytest_resilience.proxy.faults.http.conversation import inspect_http
from pytest_resilience.proxy.faults.postgres.conversation import inspect_postgres
from pytest_resilience.proxy.faults.postgres.replies import PostgresReplies
from pytest_resilience.proxy.faults.postgres.requests import PostgresRequests
from pytest_resilience.proxy.faults.trace import entry_json
from pytest_resilience.proxy.wire.postgres.layout import Layouts

Events = list[tuple[str, bytes]]
CUTS = st.lists(st.integers(1, 400), min_size=1, max_size=40)
NEVER = [
    {"kind": "cut", "when": {"sql": "never said"}, "times": None},
    {"kind": "hang", "when": {"rows": 1_000_000}, "times": None},
    {"kind": "delay", "when": {"message": "CopyData", "nth": 1_000_000}, "attributes": {"by": 1}},
    {"kind": "reset", "when": {"message": "LISTEN", "side": "reply"}},
    {
        "kind": "truncate",
        "when": {"message": "CopyData", "side": "reply", "nth": 1_000_000},
        "attributes": {"bytes": 1},
    },
]


def with_psycopg2(dsn: str) -> None:
    """Transactions, a string of several statements, an error, COPY both ways."""
    connection = psycopg2.connect(dsn)
    cursor = connection.cursor()
    cursor.execute("create temp table s (id int, word text)")
    cursor.execute("insert into s values (1, 'a;b'); insert into s values (2, 'c')")
    cursor.copy_expert("copy s from stdin", io.StringIO("".join(f"{n}\tx\n" for n in range(500))), 100)
    cursor.copy_expert("copy s to stdout", io.StringIO())
    connection.commit()
    cursor.execute("select * from s, generate_series(1, 5)")
    cursor.fetchall()
    with pytest.raises(psycopg2.Error):
        cursor.execute("select 1/0")
    connection.rollback()
    connection.close()


def with_psycopg(dsn: str) -> None:
    """Parameters, prepared statements, pipelines, binary COPY."""
    with psycopg.connect(dsn, prepare_threshold=1, autocommit=True) as connection:
        connection.execute("create temp table s (id int, word text)")
        for number in range(5):
            connection.execute("insert into s values (%s, %s)", [number, "x"])
        with connection.pipeline():
            for number in range(5):
                connection.execute("insert into s values (%s, %s)", [number, "x"])
        with connection.cursor().copy("copy s from stdin (format binary)") as copy:
            copy.set_types(["int4", "text"])
            for number in range(50):
                copy.write_row((number, "x"))
        connection.execute("select * from s where id = %s", [3]).fetchall()


def with_asyncpg(dsn: str) -> None:
    """Named statements, a cursor, an early COPY."""

    async def talk() -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute("create temp table s (id int, word text)")
        await connection.copy_records_to_table("s", records=[(number, "x") for number in range(50)])
        async with connection.transaction():
            _ = [row async for row in connection.cursor("select * from s", prefetch=7)]
        await connection.close()

    asyncio.run(talk())


@pytest.fixture(
    scope="module", params=[with_psycopg2, with_psycopg, with_asyncpg], ids=lambda talk: talk.__name__
)
def recorded(request, server, recorder_module) -> Events:
    """What a real driver and a real server said to each other."""
    with recorder_module.Recorder(f"{server.host}/.s.PGSQL.{server.port}") as recorder:
        request.param(
            f"postgresql://{server.user}:{server.password}@127.0.0.1:{recorder.port}/postgres?sslmode=disable"
        )
    return Recorded(recorder.events)


class Recorded(list):
    """A recorded session, which would be long to print."""

    def __repr__(self) -> str:
        return f"<{len(self)} pieces>"


@pytest.mark.parametrize("faults", [[], NEVER], ids=["none", "one"])
def test_what_is_known_by_its_layout_is_followed_like_the_first(
    recorded, monkeypatch, recorder_module, faults
):
    """The trace is the same where each segment is gone through, and where most are like earlier ones."""

    class Unteachable(Layouts):
        def learn(self, *_: object) -> None:
            """Keep nothing."""

    class Taught(Layouts):
        known = 0

        def of(self, data: bytes) -> Any:
            found = super().of(data)
            Taught.known += found is not None
            return found

    def traced(layouts: type[Layouts]) -> list[dict]:
        for stream in (PostgresRequests, PostgresReplies):
            monkeypatch.setattr(stream, "layouts", layouts())
        link = recorder_module.Link()
        seen = [replay(inspect_postgres, recorded, link, faults, told=timeless) for _ in range(2)]
        return [*seen, vars(link)]

    plain, known = traced(Unteachable), traced(Taught)

    assert plain == known
    assert bool(Taught.known) == (not faults)


def timeless(entries: list[dict]) -> list[dict]:
    """Return all that was seen but for the times."""
    return [{**entry, "at": None} for entry in entries]


def replay(
    inspect: Callable[..., Any], events: Events, link: Any, faults: list[dict] = (), told: Any = None
) -> list:
    """Show the events to an inspector; return the trace with runs joined, or as it is told."""
    desk = FaultDesk()
    watch = desk.watch(RecordedProxy("recorded"))
    protocol = "http" if inspect is inspect_http else "postgres"
    for number, document in enumerate(faults):
        watch.add(read_fault(document, protocol=protocol, default_id=str(number), added_at=0.0))
    conversation = inspect(link, watch)
    for side, data in events:
        (conversation.client_data if side == "client" else conversation.server_data)(data)
    return (told or joined)([entry_json(number, entry) for number, entry in watch.trace.since(0)])


class RecordedProxy:
    """As much of a proxy as a watch needs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.upstream = ""
        self.inspect = None


def joined(entries: list[dict]) -> list[tuple]:
    """Return what was seen without times, and runs of rows as one."""
    seen: list[tuple] = []
    for entry in entries:
        key = (entry["direction"], entry["message"], entry["shape"])
        if seen and seen[-1][:3] == key and entry["message"] in {"DataRow", "CopyData"}:
            seen[-1] = (*key, seen[-1][3] + entry["count"])
        else:
            seen.append((*key, entry["count"]))
    return seen


def cut(events: Events, sizes: list[int]) -> Events:
    """Cut each piece into smaller ones of these sizes, again and again."""
    pieces: Events = []
    turn = 0
    for side, data in events:
        start = 0
        while start < len(data):
            size = sizes[turn % len(sizes)]
            pieces.append((side, data[start : start + size]))
            start += size
            turn += 1
    return pieces


def all_of(events: Events, side: str) -> bytes:
    """Return all that a side said."""
    return b"".join(data for who, data in events if who == side)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=CUTS, armed=st.booleans())
def test_postgres(recorded, recorder_module, sizes, armed):
    """The same messages in the same order, and byte for byte what was said, with faults that never strike too."""
    whole, pieces = recorder_module.Link(), recorder_module.Link()
    expected = replay(inspect_postgres, recorded, whole)
    seen = replay(inspect_postgres, cut(recorded, sizes), pieces, NEVER if armed else [])

    assert seen == expected
    for link in (whole, pieces):
        assert bytes(link.said["server"]) == all_of(recorded, "client")
        assert bytes(link.said["client"]) == all_of(recorded, "server")
        assert link.ends == []


def test_one_byte_at_a_time(recorded, recorder_module):
    """Segments of one byte are no different."""
    pieces = recorder_module.Link()
    expected = replay(inspect_postgres, recorded, recorder_module.Link())

    assert replay(inspect_postgres, cut(recorded, [1]), pieces, NEVER) == expected
    assert bytes(pieces.said["server"]) == all_of(recorded, "client")


def test_statements_are_matched_with_their_answers(recorded, recorder_module):
    """After a whole recorded session nothing is left unanswered, and nothing was not understood."""
    desk = FaultDesk()
    conversation = inspect_postgres(recorder_module.Link(), desk.watch(RecordedProxy("recorded")))
    for side, data in recorded:
        (conversation.client_data if side == "client" else conversation.server_data)(data)
    session = conversation.requests._session

    assert not session.pending
    assert not conversation.opaque
    assert session.transaction == "I"


SIDES = st.sampled_from(["client", "server"])
RANDOM = st.lists(st.tuples(SIDES, st.binary(max_size=80)), max_size=12)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=RANDOM, at=st.integers(0, 30), armed=st.booleans())
def test_random_bytes_in_a_session(recorded, recorder_module, events, at, armed):
    """Random bytes in the middle of a session break nothing: what cannot be understood is passed on as it is."""
    link = recorder_module.Link()
    mixed = recorded[:at] + events
    ended = [*mixed, ("client", b""), ("server", b"")]
    desk = FaultDesk()
    watch = desk.watch(RecordedProxy("recorded"))
    for number, document in enumerate(NEVER if armed else []):
        watch.add(read_fault(document, protocol="postgres", default_id=str(number), added_at=0.0))
    conversation = inspect_postgres(link, watch)
    for side, data in ended:
        (conversation.client_data if side == "client" else conversation.server_data)(data)
    conversation.client_ended(reset=False)
    conversation.server_ended(reset=False)

    assert bytes(link.said["server"]) == all_of(mixed, "client")
    assert bytes(link.said["client"]) == all_of(mixed, "server")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=RANDOM)
def test_random_bytes_on_an_http_connection(recorder_module, events):
    """Random bytes are passed on as they are."""
    link = recorder_module.Link()
    desk = FaultDesk()
    conversation = inspect_http(link, desk.watch(RecordedProxy("recorded")))
    for side, data in events:
        (conversation.client_data if side == "client" else conversation.server_data)(data)
    conversation.client_ended(reset=False)
    conversation.server_ended(reset=False)

    assert bytes(link.said["server"]) == all_of(events, "client")
    assert bytes(link.said["client"]) == all_of(events, "server")


def test_what_is_no_postgres_is_noted(recorder_module):
    """A client that speaks something else is passed on, and the trace says so, without its bytes."""
    link = recorder_module.Link()
    seen = replay(
        inspect_postgres, [("client", b"GET /secret HTTP/1.1\r\n\r\n"), ("server", b"HTTP/1.1 200")], link
    )

    assert [message for _, message, _, _ in seen] == [
        "connected",
        "opaque: the first message is no PostgreSQL start-up message",
    ]
    assert bytes(link.said["server"]) == b"GET /secret HTTP/1.1\r\n\r\n"
    assert bytes(link.said["client"]) == b"HTTP/1.1 200"


HTTP: Events = [
    ("client", b"POST /a/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"),
    (
        "server",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ),
    ("client", b"HEAD /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("server", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("client", b"GET /d HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("server", b"HTTP/1.1 200 OK\r\n\r\nup to the end"),
]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=CUTS, body=st.booleans())
def test_http(recorder_module, sizes, body):
    """The same for HTTP, with a fault that has to wait for bodies too."""
    faults = [{"kind": "cut", "when": {"request": "* /a/{x}", "body": "never said"}}] if body else []
    whole, pieces = recorder_module.Link(), recorder_module.Link()
    expected = replay(inspect_http, HTTP, whole)
    seen = replay(inspect_http, cut(HTTP, sizes), pieces, faults)

    assert seen == expected
    assert bytes(pieces.said["server"]) == all_of(HTTP, "client")
    assert bytes(pieces.said["client"]) == all_of(HTTP, "server")
    assert [message for direction, message, _, _ in seen if direction == "reply"] == [
        "100",
        "201",
        "200",
        "200",
        "200",
    ]
