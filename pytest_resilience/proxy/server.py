"""The process: serves the API until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import sys
from functools import partial

from pytest_resilience.proxy import api
from pytest_resilience.proxy.address import join_address
from pytest_resilience.proxy.engine import Engine
from pytest_resilience.proxy.http_server import HttpServer
from pytest_resilience.proxy.options import Options, parse_options

_LOG = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Run the fault proxy; return the process's exit status."""
    options = parse_options(
        sys.argv[1:] if arguments is None else arguments, version=f"toxiproxy-server version {api.VERSION}"
    )
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "warning").upper(),
        stream=sys.stderr,
        format="%(levelname)s %(message)s",
    )
    _raise_descriptor_limit()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(options))


async def _serve(options: Options) -> int:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    engine = Engine(loop, options.settings)
    server = HttpServer(partial(api.handle, engine))
    try:
        host, port = await server.start(
            "127.0.0.1" if options.host == "localhost" else options.host, options.port
        )
    except OSError as error:
        where = join_address(options.host, options.port)
        print(
            f"cannot listen on {where}: {os.strerror(error.errno or 0)}; choose another -port",
            file=sys.stderr,
        )
        return 1
    if options.lifeline is not None:
        _watch(loop, options.lifeline, over)
    print(f"listening {join_address(host, port)}", flush=True)
    await over.wait()
    await server.stop()
    engine.close()
    return 0


def _watch(loop: asyncio.AbstractEventLoop, descriptor: int, over: asyncio.Event) -> None:
    """End when whoever holds the other end of the descriptor is gone."""
    os.set_blocking(descriptor, False)

    def readable() -> None:
        try:
            if os.read(descriptor, 4096):
                return
        except BlockingIOError:
            return
        loop.remove_reader(descriptor)
        over.set()

    loop.add_reader(descriptor, readable)


def _loop_factory():
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _raise_descriptor_limit() -> None:
    """Take as many descriptors as we may: every connection needs two."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
