"""What does following the messages cost? Off, on, and on with a fault that watches everything and never strikes.

    python benchmarks/tracking.py [--rounds N] [--only QUESTION ...]

Questions: messages (in one process, no sockets: microseconds a message), rows (through the proxy, megabytes a second),
pgbench (through the proxy, transactions a second). Against other proxies, see `proxy.py`.
"""

import argparse
import contextlib
import json
import statistics
import struct
import sys
import time
from pathlib import Path

from peers import proxies
from proxy import measured, messages, pgbench, show

from pytest_resilience.proxy.faults.definition import read_fault
from pytest_resilience.proxy.faults.desk import FaultDesk
from pytest_resilience.proxy.faults.http.conversation import inspect_http
from pytest_resilience.proxy.faults.postgres.conversation import inspect_postgres
from pytest_resilience.services.postgres import start_postgres
from pytest_resilience.services.run_folder import RunFolder

RESULTS = Path(__file__).parent / "results" / "tracking.json"
STARTUP = struct.pack("!II", 16, 196608) + b"user\0me\0"
NEVER = {"kind": "cut", "when": {"sql": "never said"}, "times": None}
NEVER_ASKED = {"kind": "cut", "when": {"request": "GET /never"}, "times": None}


class Sink:
    """A link that takes everything."""

    number, proxy_name, client_port = 1, "bench", 1

    def to_server(self, data):
        """Take it."""

    to_client = to_server

    def __getattr__(self, name):
        """Take everything else."""
        return self.to_server


class Proxy:
    """As much of a proxy as a watch needs."""

    name, upstream, inspect = "bench", "", None


def framed(kind, payload):
    """Frame a PostgreSQL message."""
    return kind + struct.pack("!I", 4 + len(payload)) + payload


def pgbench_transaction():
    """Return what one prepared select-only transaction says: request, reply, messages."""
    asked = (
        framed(b"B", b"\0P0_1\0" + b"\0" * 20)
        + framed(b"D", b"P\0")
        + framed(b"E", b"\0" * 5)
        + framed(b"S", b"")
    )
    row = framed(b"T", b"x" * 30) + framed(b"D", b"\0\1\0\0\0\2-7") + framed(b"C", b"SELECT 1\0")
    return asked, framed(b"2", b"") + row + framed(b"Z", b"I"), 9


def rows(size):
    """Return an answer of 256 KiB in rows of that size."""
    count = 256 * 1024 // size
    return b"", framed(b"D", b"x" * (size - 5)) * count, count


def copied(size):
    """Return 256 KiB of CopyData messages of that size."""
    count = 256 * 1024 // size
    return framed(b"d", b"x" * (size - 6) + b"\n") * count, b"", count


def page():
    """Return one HTTP request and its reply."""
    asked = b"GET /api/2.0/mlflow/runs/get?run_id=1 HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    return asked, head + b"x" * 500, 2


CONVERSATIONS = {
    "pgbench, prepared": (inspect_postgres, pgbench_transaction()),
    "rows of 8 KiB": (inspect_postgres, rows(8192)),
    "rows of 64 B": (inspect_postgres, rows(64)),
    "COPY, 8 KiB": (inspect_postgres, copied(8192)),
    "HTTP, kept alive": (inspect_http, page()),
}


class PassOn:
    """No inspector at all: the floor."""

    def __init__(self):
        self.client_data = self.server_data = Sink().to_server


def begun(inspect, *, armed):
    """Return an inspector whose session has begun."""
    if inspect is None:
        return PassOn()
    watch = FaultDesk().watch(Proxy())
    if armed:
        protocol, fault = ("http", NEVER_ASKED) if inspect is inspect_http else ("postgres", NEVER)
        for side in ("request", "reply"):
            document = {**fault, "when": {**fault["when"], "side": side}}
            watch.add(read_fault(document, protocol=protocol, default_id=side, added_at=0.0))
    conversation = inspect(Sink(), watch)
    if inspect is inspect_postgres:
        conversation.client_data(STARTUP)
        conversation.server_data(framed(b"R", b"\0\0\0\0") + framed(b"Z", b"I"))
        conversation.client_data(
            framed(b"P", b"P0_1\0select abalance from accounts where aid = $1\0\0\0") + framed(b"S", b"")
        )
        conversation.server_data(framed(b"1", b"") + framed(b"Z", b"I"))
    return conversation


def a_message(conversation, said, seconds=0.05):
    """Return the microseconds that one message takes."""
    asked, replied, count = said
    done, start = 0, time.process_time()
    while (took := time.process_time() - start) < seconds:
        for _ in range(20):
            if asked:
                conversation.client_data(asked)
            if replied:
                conversation.server_data(replied)
        done += 20 * count
    return took / done * 1e6


def ask_messages(rounds):
    """Measure without sockets."""
    tables = {}
    for title, (inspect, said) in CONVERSATIONS.items():
        found = {
            "off": begun(None, armed=False),
            "tracking": begun(inspect, armed=False),
            "tracking, fault armed": begun(inspect, armed=True),
        }
        values = {name: [] for name in found}
        for _ in range(rounds):
            for name, conversation in found.items():
                values[name].append(a_message(conversation, said))
        table = tables[title] = {name: statistics.median(many) for name, many in values.items()}
        print(f"\n{title}: microseconds a message")
        for name, value in table.items():
            print(f"  {name:24} {value:10.3f}")
    return tables


def ours_armed(stack, server):
    """Our engine, following messages, with a fault that never strikes."""
    found = proxies.ours_tracking(stack, server)
    found.name = "ours, fault armed"
    for side in ("request", "reply"):
        fault = {**NEVER, "when": {**NEVER["when"], "side": side}}
        found.call("POST", "/resilience/proxies/bench/faults", fault)
    return found


WAYS = (proxies.ours, proxies.ours_tracking, ours_armed)


def ask_rows(rounds):
    """Measure rows through the proxy."""
    tables = {}
    with contextlib.ExitStack() as stack:
        found = proxies.contenders(stack, proxies.upstream(stack), WAYS)
        for size in (8192, 64):
            table = tables[f"{size} B"] = measured(found, messages(size), rounds)
            show(f"rows of {size} bytes through one connection", table, "MB/s", "ours")
    return tables


def ask_pgbench(rounds, seconds=3):
    """Measure transactions through the proxy."""
    tables = {}
    run = RunFolder.make()
    with contextlib.ExitStack() as stack:
        stack.callback(run.end)
        child, server = start_postgres(run, loopback=True)
        stack.callback(child.stop)
        pgbench(server, server.port, "-i", "-q", "-s", "1")
        found = proxies.contenders(stack, server.port, WAYS)
        for clients in ("1", "8"):
            options = ("-S", "-n", "-M", "prepared", "-c", clients, "-j", "1", "-T", str(seconds))

            def ask(one, options=options):
                return float(pgbench(server, one.port, *options).partition("tps = ")[2].split()[0])

            table = tables[f"{clients} clients"] = measured(found, ask, rounds)
            show(f"pgbench, select-only, prepared, {clients} client(s)", table, "/s", "ours")
    return tables


QUESTIONS = {"messages": ask_messages, "rows": ask_rows, "pgbench": ask_pgbench}


def main():
    """Ask everything, print it, and write it down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", choices=QUESTIONS, default=list(QUESTIONS))
    arguments = parser.parse_args()
    answers = {name: QUESTIONS[name](arguments.rounds) for name in arguments.only}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(answers, indent=2), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
