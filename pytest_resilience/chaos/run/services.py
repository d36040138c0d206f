"""Which services a run has, and where they really are."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_resilience.chaos.run.plan import Plan
from pytest_resilience.chaos.sandbox import Sandbox
from pytest_resilience.chaos.workload.bypass import Address


def services_of(plan: Plan) -> tuple[str, ...]:
    """Return the services of a run: those that the workload uses, and those that its faults and checks name."""
    named = [
        *plan.workload.uses,
        *(order.on for order in plan.faults),
        *(check.on for check in plan.steady_state),
    ]
    own = plan.workload.name
    return tuple(dict.fromkeys(name for name in named if name is not None and name != own))


def addresses_of(sandbox: Sandbox, names: Iterable[str]) -> list[Address]:
    """Return where services really are."""
    return [_address(name, text) for name in names for text in sandbox.addresses(name)]


def ports_of(sandbox: Sandbox, names: Iterable[str]) -> frozenset[int]:
    """Return the ports where a workload finds services and the alert endpoints."""
    alerts = None if sandbox.configuration is None else sandbox.configuration.alerts
    proxies = {sandbox.service(name).proxied.port for name in names}
    return frozenset(proxies if alerts is None else proxies | sandbox.inbox.ports)


def _address(service: str, text: str) -> Address:
    """Return an address of a service from its text: a path, or `host:port`."""
    if text.startswith("/"):
        return Address(service=service, path=text)
    host, _, port = text.rpartition(":")
    return Address(service=service, host=host.strip("[]"), port=int(port))
