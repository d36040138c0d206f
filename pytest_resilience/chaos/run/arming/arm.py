"""From an order to the fault that carries it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_resilience.chaos.network_kinds import NETWORK_KINDS
from pytest_resilience.chaos.run.arming.armed import Armed
from pytest_resilience.chaos.run.arming.held import HeldMessages
from pytest_resilience.chaos.run.arming.message import MessageFault
from pytest_resilience.chaos.run.arming.network import NetworkFault
from pytest_resilience.chaos.run.arming.process import ProcessFault, Target
from pytest_resilience.chaos.run.clock import RunClock
from pytest_resilience.chaos.scenario.model import FaultOrder
from pytest_resilience.chaos.wire import ProxiedService

NETWORK = tuple(kind.name for kind in NETWORK_KINDS)
PROCESS = ("kill", "pause", "disk_full", "clock_jump")


def arm(
    order: FaultOrder,
    *,
    services: Mapping[str, ProxiedService],
    target: Target,
    clock: RunClock,
    held: HeldMessages,
    connections: Callable[[], int],
) -> Armed:
    """Return the fault of that order; not injected yet.

    Args:
        order: what was ordered.
        services: those of the run, by name.
        target: the workload.
        clock: the run's.
        held: the run's held messages.
        connections: how many connections the workload has made to all services.
    """
    service = services.get(order.on or "")
    if order.kind in PROCESS:
        return ProcessFault(order, target, service, clock=clock, held=held, connections=connections)
    if service is None:
        raise KeyError(f"the order {order} is on a service that the run does not have")
    if order.kind in NETWORK:
        return NetworkFault(order, service, clock=clock, held=held, connections=connections)
    return MessageFault(order, service, clock=clock, held=held)
