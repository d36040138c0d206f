"""The command line: Toxiproxy's flags, with one dash or two, and ours."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

from pytest_resilience.proxy.settings import TOXIPROXY_VERSION, Settings

VERSION = f"toxiproxy-server version {TOXIPROXY_VERSION}"
DESCRIPTION = "A fault-injecting TCP proxy that speaks Toxiproxy's HTTP API."
COMPAT_HELP = (
    "imitate Toxiproxy where it surprises: status codes of nonsense it accepts, toxicity drawn anew on every "
    "update, no half-close, populate ignoring toxics, and so on; not imitated is what hangs or crashes it, and "
    "that its toxics touch connections that they should spare"
)


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line."""

    host: str
    port: int
    config: str | None
    lifeline: int | None
    settings: Settings


def _go_bool(text: str) -> bool:
    values = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"{text!r} is not true or false")
    return values[text.lower()]


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 5 or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: those are 0 to 65535")
    return int(text)


def _flag(parser: argparse.ArgumentParser, name: str, text: str) -> None:
    parser.add_argument(
        f"-{name}",
        f"--{name}",
        nargs="?",
        const=True,
        default=False,
        type=_go_bool,
        metavar="BOOL",
        help=text,
    )


def parse_options(arguments: list[str]) -> Options:
    """Read the command line; `-help`, `-version` and mistakes end the process as argparse does."""
    parser = argparse.ArgumentParser(
        "python -m pytest_resilience.proxy", description=DESCRIPTION, allow_abbrev=False, add_help=False
    )
    parser.add_argument("-h", "-help", "--help", action="help", help="print this help")
    add_arguments(parser)
    return options_of(parser.parse_args(arguments))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments, but for the one that prints their help."""
    add = parser.add_argument
    add("-host", "--host", default="localhost", help="host of the API (default: localhost)")
    add("-port", "--port", type=_port, default=8474, help="port of the API (default: 8474); 0 is a free one")
    add("-config", "--config", metavar="FILE", help="JSON file with proxies to create at the start")
    add("-seed", "--seed", type=int, help="what every draw follows from (default: the time)")
    _flag(parser, "proxy-metrics", "count the bytes of every proxy at /metrics")
    _flag(parser, "runtime-metrics", "describe the process at /metrics")
    _flag(parser, "compat", COMPAT_HELP)
    add("-lifeline", "--lifeline", type=int, metavar="FD", help="end when this descriptor reaches its end")
    add("-version", "--version", action="version", version=VERSION, help="print the version")


def options_of(got: argparse.Namespace) -> Options:
    """Return what was asked for."""
    seed = time.time_ns() if got.seed is None else got.seed
    settings = Settings(seed, got.compat, got.proxy_metrics, got.runtime_metrics)
    return Options(got.host, got.port, got.config, got.lifeline, settings)
