"""Web services, services of any protocol, and names: what a declaration becomes in a sandbox."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import psycopg2
import pytest

from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.chaos.sandbox import UnknownServiceError
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.process import ServiceStartError

STUB = "{python} -m labs_stub --port {port}"
LABS = {"labs": {"kind": "http", "upstream": STUB, "env": {"LABS_URL": "{url}"}}}
ECHO = {"echo": {"kind": "tcp", "upstream": "{python} echo_stub.py {port}", "env": {"ECHO": "{host}:{port}"}}}


def get(url: str, **how) -> dict:
    """Return what the stub says."""
    with urllib.request.urlopen(url, **how) as reply:  # noqa: S310
        return json.loads(reply.read())


def test_command_serves_one_sandbox(folder, declare, begin):
    """Each has a process of its own, in the configuration's folder, which ends with it."""
    first, second = begin(declare(LABS)), begin(declare(LABS))
    for _ in range(2):
        get(first.http().url)
    seen = [get(sandbox.http().url)["seen"] for sandbox in (first, second)]
    where, direct = get(second.http().url)["cwd"], second.http().direct_url
    second.close()

    assert seen == [3, 1]
    assert Path(where) == folder
    with pytest.raises(OSError, match="refused"):
        get(direct)


def test_upstream_does_not_know_the_services(declare, begin, monkeypatch):
    """It has the shell's environment, whatever the test has set since."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://set.by/a/test")

    assert get(begin(declare(LABS)).http().url)["warehouse"] is None


def test_faults_at_requests(declare, begin):
    """The proxy in front of it knows its requests."""
    handle = begin(declare(LABS)).service("labs")
    with handle.at("GET /labs/{id}").respond(503), pytest.raises(urllib.error.HTTPError, match="503"):
        get(f"{handle.url}/labs/7")

    assert get(f"{handle.url}/labs/7")["path"] == "/labs/7"


def test_url_is_a_server_that_is_there(declare, begin):
    """Its path stays, and it is asked by its own name."""
    real = begin(declare(LABS)).http().direct_url
    sandbox = begin(declare({"api": {"kind": "http", "upstream": f"{real}/v2/", "env": {"API": "{url}"}}}))
    said = get(sandbox.environment()["API"] + "/patients")

    assert said["path"] == "/v2/patients"
    assert f"http://{said['host']}" == real
    assert sandbox.addresses("api") == (real.removeprefix("http://"),)


def test_tls_is_served_to_the_workload(declare, begin):
    """Clients that read their authorities from the environment trust it; those that do not, do not."""
    sandbox = begin(declare({"labs": LABS["labs"] | {"tls": True}}))
    env = sandbox.environment()
    code = "import os, urllib.request as u; print(u.urlopen(os.environ['LABS_URL']).status)"
    told = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    with_requests = "import os, requests; print(requests.get(os.environ['LABS_URL']).status_code)"
    also = subprocess.run(
        [sys.executable, "-c", with_requests], env=env, capture_output=True, text=True, check=False
    )

    assert env["LABS_URL"].startswith("https://")
    assert (told.stdout, told.stderr, also.stdout) == ("200\n", "", "200\n")
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        get(env["LABS_URL"], context=ssl.create_default_context(cadata=Path(_nobody()).read_text()))


def _nobody() -> str:
    certifi = pytest.importorskip("certifi")
    return str(certifi.where())


def test_https_upstream_is_spoken_to_in_tls(declare, begin, monkeypatch):
    """The proxy is the server's client, and judges its certificate."""
    secure = begin(declare({"labs": LABS["labs"] | {"tls": True}})).http()
    sandbox = begin(declare({"api": {"kind": "http", "upstream": secure.url}}))
    with pytest.raises((OSError, urllib.error.URLError)):
        get(sandbox.http().url)

    notices = [entry["message"] for entry in sandbox.trace("api") if entry["direction"] == "-"]
    assert any("CERTIFICATE_VERIFY_FAILED" in notice for notice in notices)


def test_tcp_passes_bytes(declare, begin):
    """The first connection that the server takes is the client's; faults of connections are there."""
    sandbox = begin(declare(ECHO))
    handle = sandbox.service("echo")
    with socket.create_connection((handle.host, handle.port)) as client, handle.latency(0.05) as fault:
        client.sendall(b"hello")
        said = client.recv(100)

    assert said == b"hello"
    assert fault.fired
    assert sandbox.environment()["ECHO"] == f"{handle.host}:{handle.port}"
    assert sandbox.addresses("echo") == (f"{handle.direct_host}:{handle.direct_port}",)


def test_tcp_has_a_trace_of_turns(declare, begin):
    """Who spoke, and not what: several packets are one turn."""
    sandbox = begin(declare(ECHO))
    handle = sandbox.service("echo")
    with socket.create_connection((handle.host, handle.port)) as client:
        for word in (b"hello", b"again"):
            client.sendall(word[:2])
            client.sendall(word[2:])
            assert client.recv(5, socket.MSG_WAITALL) == word
    seen = [(entry["direction"], entry["message"]) for entry in sandbox.trace("echo")]
    turns = [("request", "Data"), ("reply", "Data")]

    assert seen[:3] == [("-", "connected"), *turns]
    assert all(before != after for before, after in pairwise(seen))


def test_tcp_address_is_a_server_that_is_there(declare, begin):
    """`host:port` names it, also in IPv6's brackets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        handle = begin(declare({"cache": {"kind": "tcp", "upstream": f"127.0.0.1:{port}"}})).service("cache")
        with socket.create_connection((handle.host, handle.port)):
            accepted, _ = server.accept()
            accepted.close()

    assert (handle.direct_host, handle.direct_port) == ("127.0.0.1", port)


def test_two_sandboxes_in_two_threads(declare, begin):
    """They share the engine, and neither meets the other's faults; receipts say the service's name."""
    configuration = declare(LABS | {"warehouse": {"kind": "postgres"}})

    def use(_: int) -> list[tuple[str, str]]:
        sandbox = begin(configuration)
        with (
            sandbox.service("warehouse").at("Query").error("40001"),
            pytest.raises(psycopg2.OperationalError),
        ):
            _select(sandbox.service("warehouse").dsn)
        with sandbox.service("labs").at("GET /x").respond(500), pytest.raises(urllib.error.HTTPError):
            get(sandbox.service("labs").url + "/x")
        return [(receipt.service, receipt.kind) for receipt in sandbox.receipts]

    with ThreadPoolExecutor(2) as executor:
        seen = list(executor.map(use, range(6)))

    assert seen == [[("warehouse", "error"), ("labs", "respond")]] * 6


def _select(dsn: str) -> None:
    connection = psycopg2.connect(dsn)
    try:
        connection.cursor().execute("select 1")
    finally:
        connection.close()


def test_program_that_is_missing_is_told(declare, begin):
    """The message has the service and the program."""
    with pytest.raises(ServiceStartError, match=r"upstream of labs.*no program 'labs-server'"):
        begin(declare({"labs": {"kind": "http", "upstream": "labs-server {port}"}})).http()


def test_upstream_that_ends_is_told(folder, declare, begin):
    """The message has its status and the end of its log, and the sandbox can still be closed."""
    (folder / "broken.py").write_text("raise SystemExit('no configuration')")
    sandbox = begin(declare({"labs": {"kind": "http", "upstream": "{python} broken.py {port}"}}))

    with pytest.raises(ServiceStartError, match=r"(?s)broken\.py.*status 1.*no configuration"):
        sandbox.environment()


@pytest.mark.parametrize("url", ["http://", "http://host:99999999/"])
def test_nonsense_address_is_told(declare, begin, url):
    """The message has the service and the address."""
    with pytest.raises(HarnessError, match="upstream of service labs is 'http://"):
        begin(declare({"labs": {"kind": "http", "upstream": url}})).http()


def test_several_of_a_kind_have_to_be_named(declare, begin):
    """The error names them; one by its name is there."""
    sandbox = begin(declare(LABS | {"pacs": LABS["labs"]}))

    with pytest.raises(UnknownServiceError, match="several services of kind http are declared, labs, pacs"):
        sandbox.of_kind("http")
    assert isinstance(sandbox.service("pacs"), HttpHandle)


def test_undeclared_kinds_are_there(declare, begin):
    """PostgreSQL needs no declaration beside others; where one is declared, it is the one."""
    without, declared = begin(declare(LABS)), begin(declare({"warehouse": {"kind": "postgres"}}))

    assert (without.postgres().name, declared.postgres().name) == ("postgres", "warehouse")
    assert declared.service("postgres").name == "warehouse"
    with pytest.raises(
        UnknownServiceError, match="there is no service 'postgre'; known are warehouse, mlflow"
    ):
        declared.service("postgre")
    with pytest.raises(UnknownServiceError, match="no service of kind tcp is declared"):
        without.of_kind("tcp")


def test_trace_and_addresses(declare, begin):
    """What passed is there in order, and where the server really is."""
    sandbox = begin(declare({"warehouse": {"kind": "postgres"}}))
    _select(sandbox.postgres().dsn)
    shapes = [entry["shape"] for entry in sandbox.trace("warehouse") if entry["message"] == "Query"]

    assert "select ?" in shapes
    assert [Path(address).is_socket() for address in sandbox.addresses("warehouse")] == [True]
