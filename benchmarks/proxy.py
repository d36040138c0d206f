"""What does the fault proxy cost, and does it keep its promises? Against peers, interleaved, in one run.

    python benchmarks/proxy.py [--rounds N] [--only QUESTION ...]

Questions: round-trip, bulk, messages, pgbench, churn, control, toxics. Speeds are medians over the rounds, and parts
or multiples of a direct connection in the same run.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import uvloop
from peers import proxies

from pytest_resilience.services.postgres import start_postgres
from pytest_resilience.services.postgres_programs import programs
from pytest_resilience.services.run_folder import RunFolder

RESULTS = Path(__file__).parent / "results" / "proxy.json"
ROUND_TRIPS = 2000
BULK = 400_000_000
CHURN = 3000
AT_ONCE = 200


def connect(contender, first=b"e"):
    """Connect, and say what the connection is for."""
    sock = socket.create_connection(("127.0.0.1", contender.port), timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(first)
    return sock


def round_trip(contender):
    """Return the median microseconds of 64 bytes there and back."""
    with connect(contender) as sock:
        times = []
        for _ in range(ROUND_TRIPS):
            start = time.perf_counter()
            sock.sendall(b"x" * 64)
            got = 0
            while got < 64:
                got += len(sock.recv(64))
            times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def drained(sock, size=BULK):
    """Read so much; return megabytes a second."""
    buffer = bytearray(1 << 20)
    start, got = time.perf_counter(), 0
    while got < size:
        got += sock.recv_into(buffer)
    return got / (time.perf_counter() - start) / 1e6


def bulk(contender):
    """Return megabytes a second from the server through one connection."""
    with connect(contender, b"f") as sock:
        return drained(sock)


def messages(size):
    """Return the question: megabytes a second of PostgreSQL rows of that size."""

    def ask(contender):
        """Start a session, ask, and read rows."""
        startup = b"\x00\x00\x00\x10\x00\x03\x00\x00user\x00x\x00\x00"
        query = str(size).encode() + b"\0"
        with connect(contender, startup) as sock:
            sock.recv(24)
            sock.sendall(b"Q" + (len(query) + 4).to_bytes(4, "big") + query)
            return drained(sock, BULK if size > 1000 else BULK // 8)

    return ask


def measured(found, ask, rounds):
    """Ask every contender in turn, round after round; return the medians by name."""
    values = {one.name: [] for one in found}
    for _ in range(rounds):
        for one in found:
            values[one.name].append(ask(one))
    return {name: statistics.median(many) for name, many in values.items()}


def show(title, table, unit, base="direct"):
    """Print a table, with each row as a multiple of the base."""
    print(f"\n{title}")
    for name, value in table.items():
        print(f"  {name:24} {value:12,.1f} {unit}   {value / table[base]:6.2f} x {base}")


def against(title, table, **targets):
    """Print what our value is to each peer, beside the target."""
    mine = table["ours, tracking" if title.startswith("tracking") else "ours"]
    for peer, (target, lower_is_better) in targets.items():
        if peer not in table:
            continue
        ratio = mine / table[peer]
        kept = ratio <= target if lower_is_better else ratio >= target
        sign = "<=" if lower_is_better else ">="
        print(f"  {title}: {ratio:.2f} x {peer}, target {sign} {target}: {'kept' if kept else 'MISSED'}")


def ask_round_trip(rounds):
    """Measure the round trip."""
    with contextlib.ExitStack() as stack:
        found = proxies.contenders(stack, proxies.upstream(stack), proxies.PLAIN)
        table = measured(found, round_trip, rounds)
    show("round trip of 64 bytes, median", table, "us")
    against("ours", table, haproxy=(1.1, True), toxiproxy=(0.85, True))
    return table


def ask_bulk(rounds):
    """Measure bulk through one connection."""
    with contextlib.ExitStack() as stack:
        found = proxies.contenders(stack, proxies.upstream(stack), proxies.PLAIN)
        table = measured(found, bulk, rounds)
    show("bulk through one connection", table, "MB/s")
    against("ours", table, haproxy=(1.0, False), toxiproxy=(2.0, False))
    return table


def ask_messages(rounds):
    """Measure bulk of PostgreSQL messages, plain and tracked."""
    tables = {}
    with contextlib.ExitStack() as stack:
        found = proxies.contenders(stack, proxies.upstream(stack), proxies.TRACKED)
        for size in (8192, 100):
            table = tables[f"{size} bytes"] = measured(found, messages(size), rounds)
            show(f"PostgreSQL rows of {size} bytes", table, "MB/s", base="ours")
    against("tracking, 8192 bytes", tables["8192 bytes"], ours=(0.3, False))
    return tables


def ask_pgbench(rounds, seconds=2):
    """Measure select-only transactions a second, prepared, with 1 and with 8 clients."""
    tables = {}
    run = RunFolder.make()
    with contextlib.ExitStack() as stack:
        stack.callback(run.end)
        child, server = start_postgres(run, loopback=True)
        stack.callback(child.stop)
        pgbench(server, server.port, "-i", "-q", "-s", "10")
        found = proxies.contenders(stack, server.port, proxies.TRACKED)
        for clients in ("1", "8"):
            options = ("-S", "-n", "-M", "prepared", "-c", clients, "-j", "1", "-T", str(seconds))

            def ask(one, options=options):
                return float(pgbench(server, one.port, *options).partition("tps = ")[2].split()[0])

            table = tables[f"{clients} clients"] = measured(found, ask, rounds)
            show(f"pgbench, select-only, prepared, {clients} client(s)", table, "/s")
            against(f"plain, {clients} client(s)", table, toxiproxy=(1.05, False))
            against(f"tracking, {clients} client(s)", table, toxiproxy=(0.9, False))
    return tables


def pgbench(server, port, *options):
    """Run it; return what it says."""
    command = [
        str(programs() / "pgbench"),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-U",
        server.user,
        *options,
        "postgres",
    ]
    environment = {**os.environ, "PGPASSWORD": server.password}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


async def churn(contender):
    """Open, use and close connections, 200 at once; return how many a second."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one():
        async with slots:
            reader, writer = await asyncio.open_connection("127.0.0.1", contender.port)
            writer.write(b"e" + b"x" * 64)
            await reader.readexactly(64)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    start = time.perf_counter()
    await asyncio.gather(*[one() for _ in range(CHURN)])
    return CHURN / (time.perf_counter() - start)


def usage(contender):
    """Return a process's descriptors and resident kilobytes."""
    folder = Path("/proc", str(contender.process.pid))
    resident = next(line for line in (folder / "status").read_text().splitlines() if line.startswith("VmRSS"))
    return len(list((folder / "fd").iterdir())), int(resident.split()[1])


def ask_churn(rounds):
    """Measure churn, and what is left of it: after the first round nothing may grow."""
    with contextlib.ExitStack() as stack:
        found = proxies.contenders(stack, proxies.upstream(stack), proxies.PLAIN)
        watched = [one for one in found if one.process is not None]
        measured(found, lambda one: uvloop.run(churn(one)), 2)
        time.sleep(2)
        before = {one.name: usage(one) for one in watched}
        table = measured(found, lambda one: uvloop.run(churn(one)), rounds)
        time.sleep(2)
        after = {one.name: usage(one) for one in watched}
    show(f"connections opened, used and closed, {AT_ONCE} at once", table, "/s")
    grown = {name: [a - b for a, b in zip(after[name], before[name], strict=True)] for name in before}
    for name, (descriptors, memory) in grown.items():
        print(
            f"  {name:24} left behind by {rounds * CHURN} connections: {descriptors} descriptors, {memory} kB"
        )
    return {"rate": table, "left": grown}


def ask_control(_rounds):
    """Measure control calls with clients dead behind latency, and connections at full speed beside them."""
    found_times = {}
    with contextlib.ExitStack() as stack:
        server = proxies.upstream(stack)
        for one in proxies.contenders(stack, server, (proxies.toxiproxy, proxies.ours)):
            found_times[one.name] = slowest_call(one)
    print("\nslowest of 50 control calls, with 200 clients dead behind latency, 4 at full speed")
    for name, seconds in found_times.items():
        print(
            f"  {name:24} {seconds * 1e3:10,.1f} ms" if seconds else f"  {name:24} hangs (gave up after 5 s)"
        )
    return found_times


def slowest_call(one):
    """Return the seconds of the slowest call, None if one never came back."""
    toxic = {"name": "t", "type": "latency", "attributes": {"latency": 2000}}
    with contextlib.ExitStack() as stack:
        one.call("POST", "/proxies/bench/toxics", toxic)
        for _ in range(AT_ONCE):
            connect(one, b"f").close()
        load = subprocess.Popen([sys.executable, "-c", LOAD, str(one.port)])
        stack.callback(load.wait)
        stack.callback(load.kill)
        time.sleep(1)
        slowest = 0.0
        for number in range(25):
            for method, path, body in (
                ("DELETE", "/proxies/bench/toxics/t", None),
                ("POST", "/proxies/bench/toxics", {**toxic, "attributes": {"latency": number}}),
            ):
                start = time.perf_counter()
                try:
                    one.call(method, path, body, timeout=5)
                except TimeoutError:
                    return None
                slowest = max(slowest, time.perf_counter() - start)
        return slowest


LOAD = """
import socket, sys, threading
def drain():
    sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    sock.sendall(b"f")
    buffer = bytearray(1 << 20)
    while sock.recv_into(buffer):
        pass
for _ in range(4):
    threading.Thread(target=drain).start()
"""


def ask_toxics(rounds):
    """Measure toxics' effects against their settings."""
    tables = {}
    with contextlib.ExitStack() as stack:
        server = proxies.upstream(stack)
        found = proxies.contenders(stack, server, (proxies.toxiproxy, proxies.ours))
        for latency in (100, 200):
            title = f"latency {latency} ms"
            tables[title] = measured(found, lambda one, ms=latency: held(one, ms), rounds)
        for rate in (100, 1000, 10_000):
            title = f"bandwidth {rate} KB/s"
            tables[title] = measured(found, lambda one, kb=rate: carried(one, kb), rounds)
    print("\ntoxics' effects")
    for title, table in tables.items():
        for name, value in table.items():
            print(f"  {title:24} {name:12} {value:12,.2f} {'ms' if 'latency' in title else 'KB/s'}")
    return tables


@contextlib.contextmanager
def under(one, kind, **attributes):
    """Put a toxic on for a while."""
    one.call("POST", "/proxies/bench/toxics", {"name": "t", "type": kind, "attributes": attributes})
    try:
        yield
    finally:
        one.call("DELETE", "/proxies/bench/toxics/t")


def held(one, latency):
    """Return the milliseconds of a round trip under that latency."""
    with under(one, "latency", latency=latency), connect(one) as sock:
        start = time.perf_counter()
        sock.sendall(b"x" * 64)
        sock.recv(64)
        return (time.perf_counter() - start) * 1e3


def carried(one, rate):
    """Return the kilobytes a second that pass under that rate, over half a second."""
    with under(one, "bandwidth", rate=rate), connect(one, b"f") as sock:
        return drained(sock, rate * 500) * 1e3


QUESTIONS = {
    "round-trip": ask_round_trip,
    "bulk": ask_bulk,
    "messages": ask_messages,
    "pgbench": ask_pgbench,
    "churn": ask_churn,
    "control": ask_control,
    "toxics": ask_toxics,
}


def main():
    """Ask everything, print it, and write it down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", choices=list(QUESTIONS), default=list(QUESTIONS))
    arguments = parser.parse_args()
    results = {name: QUESTIONS[name](arguments.rounds) for name in arguments.only}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
