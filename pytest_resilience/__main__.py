"""The command line, `python -m pytest_resilience`: a table of subcommands, each in the module that it is about."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from pytest_resilience import __version__
from pytest_resilience.errors import ResilienceError

PURPOSE = """\
Says whether a deploy may rely on code that has to survive lost connections,
slow services and crashes. The gate itself runs as `pytest --chaos --checklist`;
these commands prepare it, read what it has left, and keep models in charge."""

EXAMPLE = """\
example, before a deploy:
  python -m pytest_resilience verify resilience-report --commit "$(git rev-parse HEAD)"

`python -m pytest_resilience COMMAND --help` explains one command."""

USAGE_ERROR = 2
"""Exit status where the command line itself is wrong, as argparse has it."""

CONFIGURATION_ERROR = 4
"""Exit status where a file that it names is wrong, or what was asked for cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand.

    Args:
        name: what is typed.
        module: has `add_arguments(parser)` and `run(arguments) -> int`, which returns the exit status.
        summary: one line for `--help`.
    """

    name: str
    module: str
    summary: str


COMMANDS: tuple[Command, ...] = (
    Command("init", "pytest_resilience.init_command.command", "write a starting configuration"),
    Command(
        "deploy",
        "pytest_resilience.runtime.models.commands.deploy",
        "put a model version in charge, if it is healthy",
    ),
    Command(
        "rollback",
        "pytest_resilience.runtime.models.commands.rollback",
        "put the version before in charge again, by the ledger",
    ),
    Command(
        "ledger",
        "pytest_resilience.runtime.models.commands.ledger",
        "show who put which version of a model in charge, and why",
    ),
    Command("report", "pytest_resilience.report.commands.report", "render a report.json again"),
    Command(
        "merge", "pytest_resilience.report.commands.merge", "join the reports of all shards, and judge them"
    ),
    Command(
        "verify",
        "pytest_resilience.report.commands.verify",
        "say whether a deploy may rely on an attestation",
    ),
    Command(
        "proxy",
        "pytest_resilience.proxy.command",
        "run the fault proxy alone: it speaks Toxiproxy's API",
    ),
    Command(
        "schema",
        "pytest_resilience.schemas",
        "print the JSON Schema of a file that you write, for your editor",
    ),
    Command(
        "route", "pytest_resilience.runtime.alerting.command", "say where an alert would go; sends nothing"
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit status: its own, 2 for a wrong command line, 4 for a wrong file."""
    parsed = _parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except ResilienceError as error:
        print(f"pytest_resilience {parsed.command}: {error}", file=sys.stderr)
        return CONFIGURATION_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pytest_resilience",
        description=PURPOSE,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pytest-resilience {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        module = import_module(command.module)
        subparser = commands.add_parser(command.name, help=command.summary, description=module.__doc__)
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
