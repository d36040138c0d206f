"""From a method and a path to the handler: a plain table that extensions add lines to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from pytest_resilience.proxy.http_message import Request, Response


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table.

    Args:
        methods: the verbs, separated by spaces; empty for any.
        pattern: the path; `{name}` stands for one segment, which the handler finds in `request.params`.
        handler: gets the `Engine` and the request.
    """

    methods: str
    pattern: str
    handler: Callable[[Any, Request], Awaitable[Response]]

    def match(self, path: str) -> dict[str, str] | None:
        """Return what the placeholders stand for, or None if the path is another."""
        wanted, given = self.pattern.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        params: dict[str, str] = {}
        for name, segment in zip(wanted, given, strict=True):
            if name.startswith("{") and segment:
                params[name[1:-1]] = segment
            elif name != segment:
                return None
        return params


def find_route(routes: Iterable[Route], request: Request) -> tuple[Route, Request] | int:
    """Return the route with the request's parameters filled in, or the status code that says why there is none."""
    status = 404
    for route in routes:
        params = route.match(request.path)
        if params is None:
            continue
        if not route.methods or request.method in route.methods.split():
            return route, replace(request, params=params)
        status = 405
    return status
