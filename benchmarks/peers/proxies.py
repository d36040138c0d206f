"""Proxies side by side: each is started in front of the same upstream, and ended with the stack."""

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HAPROXY = """
global
  maxconn 4000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen bench
  bind 127.0.0.1:{port}
  server one 127.0.0.1:{upstream}
"""


@dataclass
class Contender:
    """Something to connect through.

    Args:
        name: what the table calls it.
        port: where it listens.
        process: the process that carries the traffic, where it is one of ours to watch.
        api: the port of its Toxiproxy API, where it has one.
    """

    name: str
    port: int
    process: subprocess.Popen | None = None
    api: int | None = None

    def call(self, method, path, body=None, timeout=30):
        """Ask its API."""
        connection = http.client.HTTPConnection("127.0.0.1", self.api, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body is not None else None)
            reply = connection.getresponse()
            text = reply.read()
            if reply.status >= 300:
                raise RuntimeError(f"{self.name}: {method} {path}: {reply.status} {text!r}")
            return json.loads(text) if text else None


def free_port():
    """Return a port that nobody listens on right now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def started(stack, *command):
    """Start a process that says where it listens; return it and the port."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process, int(process.stdout.readline().rpartition(":")[2])


def upstream(stack):
    """Start the server behind the proxies; return its port."""
    return started(stack, sys.executable, str(HERE / "upstream.py"))[1]


def answers(port, process):
    """Wait until something listens there."""
    for _ in range(400):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            raise RuntimeError(f"{process.args} ended with {process.wait(0.02)}")


def direct(_stack, server):
    """No proxy at all."""
    return Contender("direct", server)


def haproxy(stack, server):
    """The proxy to be measured by, where it is installed."""
    program = shutil.which("haproxy")
    if program is None:
        return None
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    port = free_port()
    (folder / "haproxy.cfg").write_text(HAPROXY.format(port=port, upstream=server))
    process = subprocess.Popen(
        [program, "-q", "-db", "-f", str(folder / "haproxy.cfg")], stderr=subprocess.DEVNULL
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    answers(port, process)
    return Contender("haproxy", port, process)


def toxiproxy(stack, server):
    """The real Toxiproxy, where it is installed."""
    local = ROOT / ".tools" / "bin" / "toxiproxy-server"
    program = shutil.which("toxiproxy-server") or (str(local) if local.exists() else None)
    if program is None:
        return None
    api = free_port()
    process = subprocess.Popen([program, "-port", str(api)], stdout=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.kill)
    answers(api, process)
    return with_proxy(Contender("toxiproxy", 0, process, api), server)


def bare(kind):
    """Return the starter of the bare Python proxy on that event loop."""

    def start(stack, server):
        """Start it."""
        process, port = started(stack, sys.executable, str(HERE / "protocol_proxy.py"), str(server), kind)
        return Contender(f"bare {kind} Protocol", port, process)

    return start


def ours(stack, server):
    """Our engine."""
    process, api = started(stack, sys.executable, "-m", "pytest_resilience.proxy", "-port", "0")
    return with_proxy(Contender("ours", 0, process, api), server)


def ours_tracking(stack, server):
    """Our engine, following PostgreSQL's messages."""
    found = ours(stack, server)
    found.name = "ours, tracking"
    found.call("PUT", "/resilience/proxies/bench", {"protocol": "postgres"})
    return found


def with_proxy(found, server):
    """Create the proxy to measure."""
    body = {"name": "bench", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{server}"}
    found.port = int(found.call("POST", "/proxies", body)["listen"].rpartition(":")[2])
    return found


PLAIN = (direct, haproxy, toxiproxy, bare("asyncio"), bare("uvloop"), ours)
TRACKED = (direct, haproxy, toxiproxy, ours, ours_tracking)


def contenders(stack, server, starters):
    """Start them, and say which are missing."""
    found = []
    for start in starters:
        one = start(stack, server)
        if one is None:
            print(f"({start.__name__} is not installed: left out)")
        else:
            found.append(one)
    return found
