"""A server is waited for, driven at a steady pace, and stopped politely."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from pytest_resilience.chaos.configuration.model import Drive
from pytest_resilience.chaos.workload.http_drive import Request
from pytest_resilience.chaos.workload.supervised import WorkloadStartError

SERVER = """
import json, os, signal, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # not sys.exit: threads that answer may abort its clean-up
asked, together = 0, threading.Barrier(2)
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global asked
        asked += 1
        self.send_response(200 if asked > 2 else 503); self.send_header("Content-Length", "0"); self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if sys.argv[2:] == ["hang"]: threading.Event().wait()
        if sys.argv[2:] == ["late"]: together.wait()
        if sys.argv[2:] == ["drop"]: return
        if sys.argv[2:] == ["die"]: os._exit(3)
        more = [self.headers[name] for name in ("Authorization", "Idempotency-Key") if self.headers[name]]
        text = json.dumps([self.headers["Content-Type"], body.decode(), *more]).encode()
        self.send_response(201); self.send_header("Content-Length", str(len(text))); self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_): pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def _until(condition: Callable[[], object]) -> None:
    while not condition():
        os.sched_yield()


@pytest.fixture
def serve(make, tmp_path: Path):
    """A maker of the server, which posts `{"x": 1}` each 10 ms."""
    (tmp_path / "body.json").write_text('{"x": 1}')

    def server(*arguments: str, headers: dict[str, str] | None = None, **other):
        drive = Drive(request="POST /predict", body="body.json", headers=headers or {}, every=0.01)
        declared = {"shape": "server", "ready": "GET /health", "drive": drive, **other}
        return make("{port}", *arguments, program=SERVER, **declared)

    return server


def test_server_is_driven_once_it_is_ready(serve) -> None:
    """Requests go out when `ready` was answered with 2xx, each is recorded, and SIGTERM ends it."""
    work = serve()
    work.start()
    _until(lambda: sum(call.outcome == "201" for call in work.calls) >= 3)
    status = work.terminate()
    calls = work.calls

    assert status == 0, work.stderr
    assert not work.ended_by_itself
    assert json.loads(calls[0].message) == ["application/json", '{"x": 1}']
    assert [call.number for call in calls] == list(range(1, len(calls) + 1))
    assert all(0 <= call.began <= (call.ended or call.began) for call in calls)


def test_headers_are_sent_as_declared(serve) -> None:
    """A login, a kind of content, and a key of its own for each request."""
    headers = {"content-type": "text/csv", "Authorization": "Bearer x", "Idempotency-Key": "key {uuid}"}
    work = serve(headers=headers)
    work.start()
    _until(lambda: sum(call.outcome == "201" for call in work.calls) >= 3)
    work.terminate()
    sent = [json.loads(call.message) for call in work.calls if call.outcome == "201"]

    assert {(kind, login) for kind, _, login, _ in sent} == {("text/csv", "Bearer x")}
    assert len({key for *_, key in sent}) == len(sent)


def test_requests_do_not_wait_for_each_other(serve) -> None:
    """A server that hangs is asked at the same pace, and what it never answered has no end."""
    work = serve("hang")
    work.start()
    _until(lambda: len(work.calls) >= 5)
    work.close()

    assert {(call.outcome, call.ended) for call in work.calls} == {("blocked", None)}


def test_requests_wait_for_each_other_where_they_are_to(serve) -> None:
    """Then one begins when the one before was answered."""
    work = serve(drive=Drive(request="POST /predict", body="body.json", every=0.0, one_by_one=True))
    work.start()
    _until(lambda: sum(call.outcome == "201" for call in work.calls) >= 5)
    work.close()

    assert all(before.ended <= after.began for before, after in pairwise(work.calls))


def test_a_server_is_not_ended_before_its_last_answers(serve) -> None:
    """It answers a request when the next one has come: each is answered but the odd one, which is given up."""
    work = serve("late")
    work.start()
    _until(lambda: sum(call.ended is not None for call in work.calls) >= 6)
    work.settle(lambda: sum(call.ended is None for call in work.calls) <= 1)
    status = work.terminate()

    assert status == 0
    assert sum(call.outcome != "201" for call in work.calls) <= 1


def test_request_that_fails_is_recorded(serve) -> None:
    """A connection that the server drops is a failed request, with its error."""
    work = serve("drop")
    work.start()
    _until(lambda: any(call.outcome == "raised" for call in work.calls))
    failed = next(call for call in work.calls if call.outcome == "raised")

    assert failed.error[0] == "http.client.RemoteDisconnected"
    assert failed.ended is not None


def test_server_that_ends_by_itself_has_failed(serve) -> None:
    """Its end is told apart from one that was asked for."""
    work = serve("die")
    work.start()

    assert work.wait(60) == 3
    assert work.ended_by_itself


def test_server_that_is_never_ready_is_told(make) -> None:
    """The error names the request, and the end of its standard error."""
    work = make("sh", "-c", "echo woe >&2; exec sleep 600", shape="server", ready="GET /h", deadline=0.0)

    with pytest.raises(WorkloadStartError, match=r"took 0 s before it served \(GET /h\)"):
        work.start()


def test_server_that_dies_at_start_is_told(make) -> None:
    """The error has its status and its last words."""
    work = make("sh", "-c", "echo no port >&2; exit 3", shape="server", ready="GET /h")

    with pytest.raises(WorkloadStartError) as failure:
        work.start()
    assert "ended with status 3 before it served" in str(failure.value)
    assert "    no port" in str(failure.value)


def test_a_server_that_a_fault_kills_at_its_start_is_not_blamed(make) -> None:
    """It may reach for a service before it serves: its start returns, so that it can be started again."""
    work = make("sh", "-c", "exec sleep 600", shape="server", ready="GET /h", deadline=600.0)
    with ThreadPoolExecutor() as threads:
        started = threads.submit(work.start)
        _until(lambda: work.processes)
        work.kill()
        started.result()

    assert not work.ended_by_itself
    assert (work.processes[-1].killed, work.calls) == (True, [])


def test_without_ready_a_server_is_ready_once_it_accepts(make) -> None:
    """An open port is enough where nothing else was declared."""
    work = make("{port}", program=SERVER, shape="server")
    work.start()

    assert work.runs
    assert work.calls == []


@pytest.mark.parametrize("text", ["/health", "GET", "GET health", "", "G T /x"])
def test_nonsense_is_no_request(text: str) -> None:
    """A request is a method and a path."""
    with pytest.raises(ValueError, match="is no request"):
        Request.parse(text)
