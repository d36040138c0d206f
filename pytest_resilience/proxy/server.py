"""The process: serves the API until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from pytest_resilience.proxy.address import join_address
from pytest_resilience.proxy.api_error import ApiError
from pytest_resilience.proxy.app import App
from pytest_resilience.proxy.engine import Engine
from pytest_resilience.proxy.http_server import HttpServer
from pytest_resilience.proxy.options import Options, parse_options
from pytest_resilience.proxy.populate import populate
from pytest_resilience.proxy.proxy import Proxy

_LOG = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Run the fault proxy.

    Args:
        arguments: the command line; by default the process's own.

    Returns:
        The process's exit status.
    """
    given = sys.argv[1:] if arguments is None else arguments
    return serve(parse_options(given))


def serve(options: Options) -> int:
    """Serve until told to end; return the process's exit status."""
    logging.basicConfig(level=_log_level(), stream=sys.stderr, format="%(levelname)s %(message)s")
    _raise_descriptor_limit()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(options))


async def _serve(options: Options) -> int:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    if options.lifeline is not None:
        _watch(loop, options.lifeline, over)
    engine = Engine(loop, options.settings)
    server = HttpServer(App(engine))
    if options.config is not None:
        await _populate_from(engine, options.config)
    try:
        address = await _start(server, options)
        if address is None:
            return 1
        sys.stdout.write(f"listening {address}\n")
        sys.stdout.flush()
        await over.wait()
        return 0
    finally:
        await server.stop()
        engine.close()


async def _start(server: HttpServer, options: Options) -> str | None:
    """Begin to serve; say in a sentence why not."""
    host = "127.0.0.1" if options.host == "localhost" else options.host
    try:
        return join_address(*await server.start(host, options.port))
    except OSError as error:
        where = join_address(options.host, options.port)
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        sys.stderr.write(f"cannot listen on {where}: {reason}; choose another -host or -port\n")
        return None


async def _populate_from(engine: Engine, config: str) -> None:
    """Make the proxies of a file; as in Toxiproxy a mistake is told, and does not keep the API from serving."""
    done: list[Proxy] = []
    try:
        await populate(engine, _read(config), done)
    except (ApiError, OSError) as error:
        _LOG.error("%s: %s; %d of its proxies were created", config, error, len(done))


def _read(config: str) -> bytes:
    return Path(config).read_bytes()


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


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not everywhere, and needed by this process alone
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _log_level() -> str:
    """Take the level from where Toxiproxy does; it also knows `trace`."""
    level = os.environ.get("LOG_LEVEL", "warning").upper()
    return level if level in logging.getLevelNamesMapping() else "DEBUG"


def _raise_descriptor_limit() -> None:
    """Take as many descriptors as we may: every connection needs two."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
