"""Put in charge again the version that was before the one in charge, by the ledger."""

from __future__ import annotations

import argparse

from pytest_resilience.runtime.deadline import Deadline
from pytest_resilience.runtime.deployment import rollback_model
from pytest_resilience.runtime.models.commands.output import (
    NOT_DONE,
    add_change_arguments,
    add_common_arguments,
    show,
)
from pytest_resilience.runtime.models.ledger import Ledger
from pytest_resilience.runtime.models.registry import ModelRegistry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    add_common_arguments(parser)
    add_change_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Roll back, and return 0 when the earlier version is in charge, else 1."""
    registry = ModelRegistry(arguments.tracking_uri)
    if arguments.dry_run:
        return Deadline(arguments.deadline, operation="The dry run").call(_tell, arguments, registry)
    result = rollback_model(
        arguments.model,
        scheme=arguments.scheme,
        registry=registry,
        why=arguments.why,
        deadline=arguments.deadline,
    )
    told = (
        f"{result['status']}: model {arguments.model}, version {result['version']} instead of "
        f"{result['previous_version']}, by {result['scheme'] or 'no change'}"
    )
    show(arguments, result, told, result["error"])
    return 0 if result["status"] == "success" else NOT_DONE


def _tell(arguments: argparse.Namespace, registry: ModelRegistry) -> int:
    standing = registry.standing(arguments.model)
    now = standing.champion
    target = Ledger.of(standing.tags).previous_of(now) if now else None
    facts = {"model": arguments.model, "in_charge": now, "would_be_in_charge": target}
    told = f"after it: {target}" if target else "the ledger names no earlier one"
    show(arguments, facts, f"in charge now: {now or 'none'}; {told}; nothing was changed")
    return 0 if target else NOT_DONE
