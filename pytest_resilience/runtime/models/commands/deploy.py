"""Put a version in charge of a model if it is healthy; else the one before stays, or is restored."""

from __future__ import annotations

import argparse
from typing import Any

from pytest_resilience.errors import HealthCheckFailed
from pytest_resilience.runtime.deadline import Deadline
from pytest_resilience.runtime.deployment import deploy_model_with_rollback
from pytest_resilience.runtime.models.commands.output import (
    NOT_DONE,
    add_change_arguments,
    add_common_arguments,
    show,
)
from pytest_resilience.runtime.models.health_check import run_model_health_check
from pytest_resilience.runtime.models.registry import ModelRegistry
from pytest_resilience.runtime.models.schemes import choose_scheme


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    add_common_arguments(parser)
    parser.add_argument("version", metavar="VERSION", type=int, help="the version to deploy")
    add_change_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Deploy, and return 0 when the version is in charge, else 1."""
    registry = ModelRegistry(arguments.tracking_uri)
    if arguments.dry_run:
        return Deadline(arguments.deadline, operation="The dry run").call(_tell, arguments, registry)
    result = deploy_model_with_rollback(
        arguments.model,
        arguments.version,
        scheme=arguments.scheme,
        registry=registry,
        why=arguments.why,
        deadline=arguments.deadline,
    )
    told = (
        f"{result['status']}: model {arguments.model}, version {result['version']}, "
        f"before it {result['previous_version'] or 'none'}, by {result['scheme'] or 'no change'}"
    )
    show(arguments, result, told, result["error"])
    return 0 if result["status"] == "success" else NOT_DONE


def _tell(arguments: argparse.Namespace, registry: ModelRegistry) -> int:
    standing = registry.standing(arguments.model)
    scheme = choose_scheme(arguments.scheme, registry, standing)
    facts: dict[str, Any] = {
        "model": arguments.model,
        "scheme": scheme.name,
        "in_charge": scheme.before(standing).champion,
        "would_be_in_charge": str(arguments.version),
        "error": None,
    }
    try:
        run_model_health_check(arguments.model, arguments.version, registry=registry)
    except HealthCheckFailed as error:
        facts |= {"would_be_in_charge": facts["in_charge"], "error": str(error)}
    told = (
        f"in charge now: {facts['in_charge'] or 'none'}; after it: {facts['would_be_in_charge'] or 'none'}, "
        f"by {scheme.name}; nothing was changed"
    )
    show(arguments, facts, told, facts["error"])
    return 0 if facts["error"] is None else NOT_DONE
