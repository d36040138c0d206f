"""What fits together in a fault: its service, its trigger, its kind, and how long it lasts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.no_change import why_no_change
from pytest_resilience.chaos.scenario.kinds import FAULT_KINDS, FaultKind
from pytest_resilience.chaos.scenario.model import When
from pytest_resilience.chaos.scenario.page import Page
from pytest_resilience.chaos.scenario.when import AT, trigger_name
from pytest_resilience.chaos.scenario.yaml_nodes import MappingNode, Node


def check_fault(page: Page, node: Node, values: Mapping[str, Any]) -> None:
    """Write down what does not fit together in a fault of which these values could be read."""
    fault = _Fault(page, node, values)
    fault.check_target()
    fault.check_attributes()
    fault.check_duration()


class _Fault:
    def __init__(self, page: Page, node: Node, values: Mapping[str, Any]) -> None:
        self.page = page
        self.node = node
        self.on: str | None = values.get("on")
        self.when: When | None = values.get("when")
        self.kind: FaultKind | None = values["inject"][0] if "inject" in values else None
        self.attributes: Mapping[str, Any] = values["inject"][1] if "inject" in values else {}
        self.span: Mapping[str, Any] = values.get("for", {})

    def complain(self, message: str, *keys: str) -> None:
        """Write it down at the innermost of these keys that is there."""
        place: Node = self.node
        for key in keys:
            below = place.get(key) if isinstance(place, MappingNode) else None
            if below is None:
                break
            place = below
        self.page.complain(place.position, message)

    def check_target(self) -> None:
        """The service is declared, its traffic has such a trigger, and such a fault can go there."""
        services = self.page.configuration.services
        if isinstance(self.node, MappingNode) and self.node.get("on") is None:
            self._check_left_out()
        elif self.on is not None and self.on in services:
            self._check_used(self.on)
            self._check_service(services[self.on].kind)
        elif self.on is not None and self.on in self.page.configuration.workloads:
            self._check_workload(self.on)
        elif self.on is not None:
            known = [
                *services,
                *([self.page.workload.name] if self._is_process and self.page.workload else []),
            ]
            self.complain(f"on: no service is called {self.on!r}; {nearest(self.on, known)}", "on")

    @property
    def _is_process(self) -> bool:
        return self.kind is not None and self.kind.process

    def _check_left_out(self) -> None:
        if self.kind is None or (self._is_process and self.when is None):
            return
        services = ", ".join(self.page.configuration.services) or "none is declared"
        if not self._is_process:
            self.complain(f"the fault needs 'on', the service that it goes to: {services}")
        elif self.when is not None and self.when.is_at_message:
            self.complain(f"{self.kind.name} needs 'on', the service whose messages are watched: {services}")

    def _check_workload(self, on: str) -> None:
        if self.kind is None:
            return
        mine = self.page.workload.name if self.page.workload else None
        if not self._is_process:
            processes = ", ".join(kind.name for kind in FAULT_KINDS if kind.process)
            self.complain(
                f"on: {on!r} is a workload, and {self.kind.name} goes to a service ({processes} go to it)",
                "on",
            )
        elif mine is not None and on != mine:
            self.complain(f"on: {on!r} does not run here; the scenario's workload is {mine!r}", "on")
        elif self.when is not None and self.when.is_at_message:
            self.complain(
                f"on: with {trigger_name(self.when)} it is the service whose messages are watched; "
                f"{self.kind.name} acts on the workload anyhow",
                "on",
            )

    def _check_used(self, on: str) -> None:
        """Only the services that a workload uses run with it undisturbed, and are told to it."""
        workload = self.page.workload
        if workload is not None and on not in workload.uses:
            self.complain(
                f"on: faults on {on!r}, which workload {workload.name!r} does not use: add it to its uses",
                "on",
            )

    def _check_service(self, service_kind: Any) -> None:
        trigger = None if self.when is None else trigger_name(self.when)
        if trigger is not None and trigger not in AT[service_kind]:
            self.complain(
                f"when: {self.on} is {service_kind}, and has no {trigger}; it takes {', '.join(AT[service_kind])}",
                "when",
                trigger,
            )
        if self.kind is None:
            return
        if self._is_process and self.when is not None and not self.when.is_at_message:
            self.complain(
                f"on: {self.kind.name} acts on the workload, and with {trigger} watches no service: leave `on` out",
                "on",
            )
        if service_kind not in self.kind.services:
            fitting = ", ".join(
                kind.name for kind in FAULT_KINDS if service_kind in kind.services and not kind.process
            )
            self.complain(
                f"inject: {self.kind.name} is for {', '.join(self.kind.services)}, and {self.on} is {service_kind}; "
                f"it takes {fitting}",
                "inject",
            )
        elif self.kind.needs_message and self.when is not None and not self.when.is_at_message:
            self._complain_of_no_message(self.kind, service_kind)

    def _complain_of_no_message(self, kind: FaultKind, service_kind: Any) -> None:
        messages = ", ".join(name for name in AT[service_kind] if name not in {"start", "after"})
        at_times = ", ".join(known.name for known in FAULT_KINDS if known.is_network)
        self.complain(
            f"when: {kind.name} acts at a message: say which ({messages}); at a time act {at_times}", "when"
        )

    def check_attributes(self) -> None:
        """Attributes fit each other and the trigger."""
        if self.kind is None:
            return
        name = self.kind.name
        if self.attributes.get("variation", 0) > self.attributes.get("size", float("inf")):
            self.complain("variation is at most size: pieces have a length", "inject", name, "variation")
        if name == "latency" and self.attributes.get("delay") == 0 and not self.attributes.get("jitter"):
            self.complain(
                "delay is 0, and there is no jitter: the fault would change nothing", "inject", name, "delay"
            )
        useless = why_no_change(name, self.attributes)
        if useless is not None:
            self.complain(useless[1], "inject", name, useless[0])
        if "deliver" in self.attributes and self.when is not None and not self.when.is_at_message:
            self.complain("deliver: there is no message with start and after", "inject", name, "deliver")
        path = self.attributes.get("path")
        if name == "disk_full" and path is not None and PurePath(os.path.normpath(path)).parts[:1] == ("..",):
            self.complain(
                f"path is {path!r}, which leads out of the workload's working folder, where it begins: name "
                "a folder in it, or one by its absolute path",
                "inject",
                name,
                "path",
            )
        if name == "error" and self.when is not None and self.when.message == "Terminate":
            self.complain("nobody reads an error in answer to Terminate", "when", "message")

    def check_duration(self) -> None:
        """What happens at once has no duration, and what has no messages is not counted in them."""
        if self.kind is None or self.when is None:
            return
        if self.kind.name == "kill" and "seconds" in self.span:
            self.complain("for: a kill happens at once; leave it out, or write {times: 2}", "for")
        if self.kind.process and "times" in self.span and not self.when.is_at_message:
            self.complain("for: times counts messages, and with start and after there are none", "for")
