"""The environment of what runs in a sandbox: the shell's, with every address in it one of the sandbox's own."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_resilience.chaos.configuration.model import AlertsDeclaration, Configuration
from pytest_resilience.chaos.configuration.placeholders import fill
from pytest_resilience.chaos.known_state.ground import direct
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.alert_inbox.credentials import CREDENTIALS, OF_THE_SHELL

OUTBOX = "RESILIENCE_OUTBOX"
PREFIX = "RESILIENCE_PREFIX"


def environment_from(
    shell: Mapping[str, str], configuration: Configuration | None, ours: Mapping[str, str]
) -> dict[str, str]:
    """Return the shell's environment with ours instead of whatever points elsewhere.

    A declared variable that is not among ours is left out: the shell's value is another service's address.
    """
    elsewhere = {*OF_THE_SHELL, *declared_variables(configuration)}
    return direct({name: value for name, value in shell.items() if name not in elsewhere} | dict(ours))


def declared_variables(configuration: Configuration | None) -> set[str]:
    """Return every variable that the services and the alerts of a configuration declare."""
    if configuration is None:
        return set()
    templates: list[Mapping[str, str]] = [service.env for service in configuration.services.values()]
    if configuration.alerts is not None:
        templates.append(configuration.alerts.env)
    return {name for template in templates for name in template}


def elsewhere_in_process(configuration: Configuration | None) -> set[str]:
    """Return the variables by which code in a test's process would reach other services than the test's."""
    alerts = () if configuration is None or configuration.alerts is None else OF_THE_SHELL
    return {*alerts, *declared_variables(configuration)}


def alerts_env(declaration: AlertsDeclaration, urls: Mapping[str, str]) -> dict[str, str]:
    """Return what code needs to alert the captured endpoints.

    Raises:
        HarnessError: a placeholder means nothing here.
    """
    try:
        filled = {name: fill(template, urls) for name, template in declaration.env.items()}
    except ValueError as error:
        raise HarnessError(f"env of the alerts: {error}") from error
    return {**CREDENTIALS, **filled}


def canaries_env(templates: Mapping[str, str], canaries: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that hold planted secrets.

    Raises:
        HarnessError: a placeholder means nothing here.
    """
    try:
        return {name: fill(template, {"canary": canaries[name]}) for name, template in templates.items()}
    except ValueError as error:
        raise HarnessError(f"canaries: {error}") from error
