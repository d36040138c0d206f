"""The process: flags, the line that says where it listens, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROXY = [sys.executable, "-m", "pytest_resilience.proxy"]
HANG = 30


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run([*PROXY, *arguments], capture_output=True, text=True, timeout=HANG, check=False)


@pytest.mark.parametrize("dashes", ["-", "--"])
def test_flags_take_one_dash_or_two(start: Any, tmp_path: Path, dashes: str) -> None:
    """All of Toxiproxy's flags, in both spellings, as `-flag value` and as `-flag=value`."""
    config = tmp_path / "config.json"
    config.write_text('[{"name":"p","listen":"127.0.0.1:0","upstream":"x"}]')
    flags = ["host=127.0.0.1", "seed=5", "proxy-metrics", "runtime-metrics=true", f"config={config}"]

    with start("ours", *[dashes + flag for flag in flags]) as engine:
        assert list(engine.call("GET", "/proxies").json) == ["p"]
        assert engine.call("GET", "/metrics").status == 200


def test_help_names_every_flag() -> None:
    """`-help` ends with 0 and tells of all flags."""
    shown = run("--help")

    flags = {
        "host",
        "port",
        "config",
        "seed",
        "proxy-metrics",
        "runtime-metrics",
        "compat",
        "lifeline",
        "version",
    }
    assert shown.returncode == 0
    assert flags <= set(re.findall(r" --([a-z-]+)", shown.stdout))


def test_version_is_the_apis() -> None:
    """`-version` prints the version of Toxiproxy that it speaks for."""
    assert run("-version").stdout == "toxiproxy-server version 2.12.0\n"


def test_an_unknown_flag_is_refused() -> None:
    """A misspelt flag ends the process with 2, as Go's flags do, and names it."""
    refused = run("-sead", "5")

    assert refused.returncode == 2
    assert "-sead" in refused.stderr


@pytest.mark.parametrize("port", ["99999", "-1", "http", "999999"])
def test_what_is_no_port_is_refused(port: str) -> None:
    """It ends with 2, and says what is wrong instead of showing where in the code."""
    refused = run(f"-port={port}")

    assert refused.returncode == 2
    assert f"'{port}' is no port: those are 0 to 65535" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_port_in_use_is_one_sentence(start: Any) -> None:
    """A second server on the port says so on one line of stderr, and ends with 1."""
    with start("ours") as engine:
        refused = run("-port", str(engine.port))

    assert (refused.returncode, refused.stdout) == (1, "")
    assert len(refused.stderr.splitlines()) == 1
    assert f"localhost:{engine.port}: Address already in use" in refused.stderr


@pytest.mark.parametrize("config", ["missing.json", "bad.json"])
def test_a_bad_config_is_told_and_does_not_keep_it_from_serving(
    start: Any, capfd: Any, tmp_path: Path, config: str
) -> None:
    """As with Toxiproxy; the mistake stands on stderr."""
    (tmp_path / "bad.json").write_text('[{"name": 5}]')
    with start("ours", "-config", str(tmp_path / config)) as engine:
        assert engine.call("GET", "/proxies").json == {}

    assert config in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_connections_open(start: Any, servers: Any, connect: Any, number: int) -> None:
    """It ends with 0, quietly, whatever is open."""
    with start("ours") as engine, engine.open() as control:
        client = connect(engine.proxy(servers.echo()))
        client.sendall(b"hi")
        client.recv(2)
        engine.process.send_signal(number)

        assert engine.process.wait(HANG) == 0
        assert control.recv(1) == b""


def test_the_end_of_its_lifeline_ends_it() -> None:
    """When whoever holds the other end of the pipe is gone, it goes."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [*PROXY, "-port", "0", "--lifeline", str(reader)],
        stdout=subprocess.PIPE,
        pass_fds=[reader],
        text=True,
    )
    os.close(reader)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline().startswith("listening 127.0.0.1:")
        assert process.poll() is None
        os.close(writer)

        assert process.wait(HANG) == 0


def test_it_listens_on_loopback_unless_told(start: Any) -> None:
    """The default host is this machine alone."""
    with start("ours") as engine, socket.create_connection(("127.0.0.1", engine.port)) as sock:
        assert sock.getpeername()[0] == "127.0.0.1"


def test_metrics_count_bytes_as_toxiproxy_does(
    start: Any, servers: Any, connect: Any, toxiproxy_binary: str
) -> None:
    """After the same traffic the counters of both engines are the same, but for the ports."""
    counted = []
    for name in ("ours", "toxiproxy"):
        with start(name, "-proxy-metrics") as engine:
            assert not re.findall("^toxiproxy", engine.call("GET", "/metrics").body.decode(), re.MULTILINE)
            client = connect(engine.proxy(servers.says(bytes(1_234_567)), name='q"\\\n'))
            while client.recv(100_000):
                pass
            client.close()
            counted.append(counters(engine))

    assert counted[0] == counted[1]
    assert len(counted[0]) == 6


def counters(engine: Any) -> list[str]:
    """Return the lines about proxies, as soon as the connection is counted as a whole."""
    for _ in range(1000):
        reply = engine.call("GET", "/metrics")
        lines = [re.sub(r"127.0.0.1:\d+", "PORT", line) for line in reply.body.decode().splitlines()]
        lines = [line for line in lines if "toxiproxy_proxy" in line and 'direction="upstream"' not in line]
        if len(lines) == 6 and lines[2].endswith("} 1.234567e+06"):
            break
    return [*lines, reply.headers["content-type"]][:6]


def test_runtime_metrics_describe_the_process(start: Any) -> None:
    """Under the names that Prometheus's libraries use."""
    with start("ours", "-runtime-metrics") as engine:
        text = engine.call("GET", "/metrics").body.decode()

    wanted = {"process_cpu_seconds_total", "process_open_fds", "process_resident_memory_bytes"}
    assert wanted <= set(re.findall(r"^(\w+) [\d.e+]+$", text, re.MULTILINE))
