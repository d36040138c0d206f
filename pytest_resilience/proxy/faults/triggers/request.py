"""At an HTTP request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_resilience.proxy.faults.path_template import PathTemplate
from pytest_resilience.proxy.faults.point import Point
from pytest_resilience.proxy.faults.triggers.trigger import Trigger


@dataclass(slots=True)
class Request(Trigger):
    """Strike at an HTTP request.

    Args:
        template: its method and path.
    """

    template: PathTemplate
    name: ClassVar[str] = "request"
    protocols: ClassVar[frozenset[str]] = frozenset({"http"})

    def count(self, point: Point) -> int:
        """Count the request itself."""
        request = point.request
        return int(request is not None and self.template.matches(request.method, request.path))

    def label(self, point: Point) -> str:
        """Return the template, with the method that was used."""
        return self.template.text if point.request is None else self.template.named(point.request.method)

    def as_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"request": self.template.text}
