"""The HTTP handle: a web service behind its proxy; MLflow's tracking server is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from pytest_resilience.chaos.handle import ServiceHandle
from pytest_resilience.chaos.point import HttpPoint
from pytest_resilience.chaos.trigger import Side, trigger
from pytest_resilience.proxy.faults.path_template import PathTemplate


@dataclass(frozen=True, slots=True, repr=False)
class HttpHandle(ServiceHandle):
    """A web service behind a proxy.

    Args:
        direct_url: its URL around the proxy, for looking on from the side.
        scheme: `https` where the proxy speaks TLS to clients.
    """

    _word: ClassVar[str] = "http"
    direct_url: str
    scheme: str = "http"

    @property
    def url(self) -> str:
        """The service's URL through the proxy, with the login and the path of the direct one."""
        real = urlsplit(self.direct_url)
        login, at, _ = real.netloc.rpartition("@")
        return f"{self.scheme}://{login}{at}{self.host}:{self.port}{real.path.rstrip('/')}"

    def at(
        self,
        message_or_request: str | None = None,
        *,
        sql: None = None,
        rows: None = None,
        table: None = None,
        side: Side = "request",
        nth: int = 1,
        times: int | None = 1,
        connection: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
    ) -> HttpPoint:
        """Return the point at a request, for example `at("POST /runs/{id}")`.

        Args:
            message_or_request: a method and a path without its query; `{x}` stands for one segment.
            sql: of statements to databases alone.
            rows: of statements to databases alone.
            table: of statements to databases alone.
            side: `request`, the server never gets it; `reply`, the server acted and the client never hears.
            nth: the first match that is hit, counted from where the fault's `with` begins.
            times: how many matches are hit; none is every one from there on.
            connection: only on this connection of the test, from 1.
            headers: regular expressions that are searched in the request's headers of these names.
            body: a regular expression that is searched in the request's body.

        Raises:
            TypeError: no request is given, or what only a database has.
            ValueError: a value means nothing.
        """
        __tracebackhide__ = True
        if message_or_request is None or not sql is rows is table is None:
            raise TypeError(
                "a web service is sent neither SQL nor rows: give a request, such as 'POST /runs'"
            )
        # What this refuses, the engine would only where the fault's block begins.
        PathTemplate(message_or_request)
        when = trigger(
            {"request": message_or_request},
            {
                "side": side,
                "nth": nth,
                "connection": connection,
                "headers": None if headers is None else dict(headers),
                "body": body,
            },
            times=times,
        )
        return HttpPoint(self.proxied, when, times)
