"""HTTP faults: every client sees the right thing, and what follows on the connection is sound."""

from __future__ import annotations

import re
import socket
import time

import httpx
import pytest
import requests
import urllib3

CLIENTS = ["requests", "httpx", "urllib3"]


def answer_of(client: str, url: str, method: str = "GET", **options) -> tuple[int, dict[str, str], bytes]:
    """Send a request with one of the clients; return status, headers and body."""
    if client == "requests":
        reply = requests.request(method, url, timeout=30, **options)
        return reply.status_code, dict(reply.headers), reply.content
    if client == "httpx":
        with httpx.Client(timeout=30) as session:
            reply = session.request(method, url, content=options.get("data"), headers=options.get("headers"))
        return reply.status_code, dict(reply.headers), reply.content
    with urllib3.PoolManager(retries=False, timeout=30) as pool:
        reply = pool.request(method, url, body=options.get("data"), headers=options.get("headers"))
        return reply.status, dict(reply.headers), reply.data


ENDED = (
    requests.ConnectionError,
    httpx.RemoteProtocolError,
    httpx.ReadError,
    urllib3.exceptions.ProtocolError,
)
BROKEN = (
    requests.exceptions.ChunkedEncodingError,
    requests.ConnectionError,
    httpx.RemoteProtocolError,
    httpx.ReadError,
    urllib3.exceptions.ProtocolError,
)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("side", ["request", "reply"])
def test_respond(website, client, side):
    """The client gets status, headers and body as told; the server has acted exactly on the reply side."""
    website.fault(
        "respond",
        {"request": "POST /items", "side": side},
        status=429,
        headers={"Retry-After": "2"},
        body={"error": "slow down"},
    )
    status, headers, body = answer_of(client, website.url("/items"), "POST", data=b"one")

    assert (status, body) == (429, b'{"error": "slow down"}')
    assert {name.lower(): value for name, value in headers.items()}["retry-after"] == "2"
    assert {name.lower(): value for name, value in headers.items()}["content-type"] == "application/json"
    assert website.posted == ([b"one"] if side == "reply" else [])


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("kind", ["cut", "reset"])
@pytest.mark.parametrize(("side", "posted"), [("request", []), ("reply", [b"one"])])
def test_connection_ends(website, client, kind, side, posted):
    """The connection ends before the server hears of the request, or before the client hears of the answer."""
    website.fault(kind, {"request": "POST /items", "side": side})
    with pytest.raises(ENDED):
        answer_of(client, website.url("/items"), "POST", data=b"one")

    assert website.posted == posted
    assert answer_of(client, website.url("/items"), "POST", data=b"two")[0] == 201


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("path", ["/long", "/chunked"])
def test_body_is_truncated(website, client, path):
    """The reply breaks off under its declared length."""
    website.fault("truncate", {"request": f"GET {path}", "side": "reply"}, bytes=600)
    with pytest.raises(BROKEN):
        answer_of(client, website.url(path))


def test_truncate_passes_exactly_so_many_bytes(website):
    """The bytes of the message are counted, its head among them."""
    website.fault("truncate", {"request": "GET /long", "side": "reply"}, bytes=600)
    received = website.say(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")

    assert len(received) == 600
    assert received.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("path", ["/long", "/chunked"])
@pytest.mark.parametrize("side", ["request", "reply"])
def test_bad_chunk(website, client, path, side):
    """The reply breaks off in an invalid chunk, whether the server sent chunks or not."""
    website.fault("bad_chunk", {"request": f"GET {path}", "side": side})
    with pytest.raises(BROKEN):
        answer_of(client, website.url(path))


@pytest.mark.parametrize("client", CLIENTS)
def test_wrong_content_type(website, client):
    """HTML where JSON was asked for."""
    website.fault(
        "respond",
        {"request": "GET /json"},
        status=200,
        headers={"content-type": "text/html"},
        body="<h1>Gateway</h1>",
    )
    status, headers, body = answer_of(client, website.url("/json"))

    assert (status, body) == (200, b"<h1>Gateway</h1>")
    assert {name.lower(): value for name, value in headers.items()}["content-type"] == "text/html"


@pytest.mark.parametrize("headers", [False, True])
def test_slow_reply(website, headers):
    """A thousand bytes at two thousand a second take half a second; with headers the head is slow as well."""
    website.fault("slow", {"request": "GET /long"}, rate=2000, headers=headers)
    began = time.monotonic()
    with httpx.stream("GET", website.url("/long"), timeout=30) as reply:
        first = time.monotonic() - began
        reply.read()
    took = time.monotonic() - began

    assert reply.content == b"x" * 1000
    assert took >= 0.5
    assert (first >= 0.03) is headers or first < took


def test_healing_ends_slowness(website):
    """A reply at one byte a second goes on at full speed as soon as the fault is healed."""
    fault = website.fault("slow", {"request": "GET /long"}, rate=1)
    with httpx.stream("GET", website.url("/long"), timeout=30) as reply:
        website.heal(fault)
        reply.read()

    assert reply.content == b"x" * 1000


def test_timeout_of_the_client(website):
    """A hung answer ends by the client's own time-out, and the server heard of the request only on the reply side."""
    website.fault("hang", {"request": "POST /items"})
    with pytest.raises(requests.ReadTimeout):
        requests.post(website.url("/items"), data=b"one", timeout=0.2)
    website.fault("hang", {"request": "POST /items", "side": "reply"})
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(website.url("/items"), content=b"two", timeout=0.2)

    assert website.posted == [b"two"]


def test_delay_and_hold(website):
    """A reply can be delayed, and one on a lease comes by itself."""
    website.fault("delay", {"request": "GET /json"}, by=0.05)
    website.fault("hold", {"request": "GET /json", "side": "reply"}, lease=0.05)
    status, _, _ = answer_of("requests", website.url("/json"))

    assert status == 200
    assert sorted(receipt["kind"] for receipt in website.receipts) == ["delay", "hold"]


def test_kept_alive_connection_goes_on(website):
    """After an answer of the engine the same connection serves the next request, to the server."""
    with requests.Session() as session:
        before = session.get(website.url("/json")).status_code
        website.fault("respond", {"request": "POST /items"}, status=503)
        struck = session.post(website.url("/items"), data=b"x" * 100_000).status_code
        after = session.post(website.url("/items"), data=b"two").status_code

    assert (before, struck, after) == (200, 503, 201)
    assert website.posted == [b"two"]
    assert {entry["connection"] for entry in website.trace} == {1}


def test_pipelined_requests_are_answered_in_order(website):
    """An answer of the engine waits for its turn."""
    website.fault("respond", {"request": "GET /json"}, status=418, body="teapot")
    requested = b"".join(
        b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in (b"/long", b"/json", b"/chunked")
    )
    received = website.say(requested + b"GET /json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert re.findall(rb"HTTP/1.1 (\d{3})", received) == [b"200", b"418", b"200", b"200"]


@pytest.mark.parametrize(
    ("template", "path", "struck"),
    [
        ("GET /runs/{id}", "/runs/17", True),
        ("GET /runs/{id}", "/runs/17?x=/a", True),
        ("GET /runs/{id}", "/runs/17/metrics", False),
        ("GET /runs/{id}", "/runs/", False),
        ("GET /runs/{id}", "/runs/a%2Fb", True),
        ("GET /runs/{id}/metrics", "/runs/17/metrics", True),
        ("GET /runs/v{version}/x", "/runs/v2/x", True),
        ("get /json", "/json", True),
        ("* /json", "/json", True),
        ("POST /json", "/json", False),
        ("GET /a b", "/a%20b", True),
        ("GET /jso.", "/json", False),
    ],
)
def test_templates(website, template, path, struck):
    """`{x}` stands for one segment, the query does not count, and everything else is meant as written."""
    fault = website.fault("respond", {"request": template}, status=418)
    status, _, _ = answer_of("urllib3", website.url(path))

    assert (status == 418) is struck
    assert bool(website.state(fault)["fired"]) is struck


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [("slow", {"rate": 0.001}), ("slow", {"rate": 0.001, "headers": True}), ("bad_chunk", {})],
)
def test_a_reply_that_begins_after_the_fault_was_healed_comes_whole(website, kind, attributes):
    """What struck the request acts on its reply, unless it is over by then."""
    fault = website.fault(kind, {"request": "POST /items"}, **attributes)
    head = b"POST /items HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", website.port), timeout=30) as sock,
        sock.makefile("rb") as answer,
    ):
        sock.sendall(head)
        website.wait_until_fired(fault)
        website.heal(fault)
        sock.sendall(b"one")
        received = answer.read()

    assert received.startswith(b"HTTP/1.1 201 ")
    assert received.endswith(b'\r\n\r\n{"done": true}')


def test_headers_and_body_must_match(website):
    """Patterns of headers and body are searched; all of them must be found."""
    when = {"request": "POST /items", "headers": {"X-Agent": "^ingest"}, "body": r"patient.*7"}
    website.fault("respond", when, status=418)
    body = b'{"patient": 7}'
    answers = [
        answer_of("requests", website.url("/items"), "POST", data=body)[0],
        answer_of("requests", website.url("/items"), "POST", data=b"{}", headers={"x-agent": "ingest"})[0],
        answer_of("requests", website.url("/items"), "POST", data=body, headers={"x-agent": "ingest-2"})[0],
    ]

    assert answers == [201, 201, 418]
    assert website.posted == [body, b"{}"]


def test_body_in_chunks_is_searched(website):
    """A body that comes in chunks is searched as a whole, and passed on as it came."""
    website.fault("respond", {"request": "POST /items", "body": "one two"}, status=418)
    struck = requests.post(website.url("/items"), data=iter([b"on", b"e t", b"wo"]), timeout=30)
    passed = requests.post(website.url("/items"), data=iter([b"on", b"e t", b"hree"]), timeout=30)

    assert (struck.status_code, passed.status_code) == (418, 201)
    assert website.posted == [b"one three"]


@pytest.mark.parametrize("with_pattern", [False, True])
def test_client_that_waits_for_100(website, with_pattern):
    """A client that asks before it sends its body gets what it needs, from the server or from the engine."""
    if with_pattern:
        website.fault("delay", {"request": "POST /items", "body": "one"}, by=0)
    head = b"POST /items HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    received = website.say(head, b"one", await_first=b"100 Continue\r\n\r\n")

    assert received.count(b" 100 Continue\r\n\r\n") == 1
    assert b"HTTP/1.1 201 " in received
    assert website.posted == [b"one"]


def test_nth_and_times(website):
    """From the second request on, twice."""
    website.fault("respond", {"request": "GET /json", "nth": 2}, times=2, status=503)
    statuses = [answer_of("urllib3", website.url("/json"))[0] for _ in range(5)]

    assert statuses == [200, 503, 503, 200, 200]


def test_bodiless_answers(website):
    """HEAD, 204 and 304 have no body, whatever their headers say, and the next reply is matched right."""
    with requests.Session() as session:
        statuses = [
            session.head(website.url("/long")).status_code,
            session.get(website.url("/nothing")).status_code,
            session.get(website.url("/unchanged")).status_code,
        ]
        website.fault("respond", {"request": "GET /json", "side": "reply"}, status=418)
        statuses.append(session.get(website.url("/json")).status_code)

    assert statuses == [200, 204, 304, 418]


def test_answer_to_head_has_no_body(website):
    """The engine's own answer to HEAD has no body either."""
    website.fault("respond", {"request": "HEAD /long"}, status=503, body="down")
    with requests.Session() as session:
        status = session.head(website.url("/long")).status_code
        following = session.get(website.url("/json")).status_code

    assert (status, following) == (503, 200)


def test_upgraded_connection_is_passed_on(website):
    """After 101 the bytes are no HTTP any more, and pass both ways."""
    head = b"GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
    received = website.say(head, b"\x00\xffnot HTTP\r\n\r\n", await_first=b"\r\n\r\n")

    assert received.endswith(b"\x00\xffnot HTTP\r\n\r\n")


def test_reply_that_ends_with_its_connection(website):
    """A reply without a length ends with its connection, and can be struck as well."""
    plain = answer_of("requests", website.url("/until-close"))
    website.fault("respond", {"request": "GET /until-close", "side": "reply"}, status=503)
    struck = answer_of("requests", website.url("/until-close"))

    assert (plain[0], plain[2]) == (200, b"all there is")
    assert struck[0] == 503


def test_trace_holds_no_data(website):
    """Neither queries, nor identifiers, nor headers, nor bodies are in trace and receipts."""
    secret = "S3cr3t-4711"
    website.fault("delay", {"request": "POST /items"}, by=0)
    secrets = {"data": f"name={secret}".encode(), "headers": {"Authorization": f"Bearer {secret}"}}
    answer_of("requests", website.url(f"/items?token={secret}"), "POST", **secrets)
    answer_of("requests", website.url(f"/patients/{secret}/stays/4711"))
    shapes = [entry["shape"] for entry in website.trace if entry["direction"] == "request"]

    assert shapes == ["/items", "/patients/{}/stays/{}"]
    assert secret not in str(website.trace) + str(website.receipts)


def test_the_trace_tells_which_requests_carry_an_idempotency_key(website):
    """And never what the key is."""
    answer_of("requests", website.url("/items"), "POST", data=b"one")
    answer_of("requests", website.url("/items"), "POST", data=b"one", headers={"Idempotency-Key": "4711"})
    posts = [entry for entry in website.trace if entry["direction"] == "request"]

    assert [entry["keyed"] for entry in posts] == [False, True]
    assert [entry["body"] for entry in posts] == [3, 3]
    assert "4711" not in repr(posts)


def test_the_length_of_a_body_that_is_not_told_before_is_unknown(website):
    """Nothing is counted that the head does not say."""
    answer_of("requests", website.url("/items"), "POST", data=iter([b"one", b"two"]))
    (post,) = [entry for entry in website.trace if entry["direction"] == "request"]

    assert (post["body"], post["keyed"]) == (None, False)


def test_the_trace_tells_which_requests_are_the_same(website):
    """By their idempotency key, else by what they ask for; and never what that is."""
    for query in ("page=4711", "page=4711", "page=4712"):
        answer_of("requests", website.url(f"/items?{query}"))
    for key in ("one", "one", "two"):
        answer_of("requests", website.url("/items"), "POST", data=b"x", headers={"Idempotency-Key": key})
    targets = [entry["target"] for entry in website.trace if entry["direction"] == "request"]
    others = {entry["target"] for entry in website.trace if entry["direction"] != "request"}

    assert [targets.index(target) for target in targets] == [0, 0, 2, 3, 3, 5]
    assert others == {None}
