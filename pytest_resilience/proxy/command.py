"""Run the fault proxy alone, for any Toxiproxy client: its API, its toxics, and faults at the exact message."""

from __future__ import annotations

import argparse

from pytest_resilience.proxy import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand: those of toxiproxy-server, and ours."""
    options.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal ends it; return 0, or 1 where it could not begin."""
    from pytest_resilience.proxy.server import serve  # noqa: PLC0415 - the other commands need no event loop

    return serve(options.options_of(arguments))
