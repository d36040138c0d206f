"""Which services a run has, and where they really are."""

from __future__ import annotations

from pytest_resilience.chaos.run.plan import Plan
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


def address_of(service: str, text: str) -> Address:
    """Return an address of a service from its text: a path, or `host:port`."""
    if text.startswith("/"):
        return Address(service=service, path=text)
    host, _, port = text.rpartition(":")
    return Address(service=service, host=host.strip("[]"), port=int(port))
