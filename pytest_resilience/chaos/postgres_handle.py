"""The PostgreSQL handle: a database of the test's own, behind its proxy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from pytest_resilience.chaos.handle import ServiceHandle
from pytest_resilience.chaos.point import PostgresPoint
from pytest_resilience.chaos.trigger import Side, trigger
from pytest_resilience.proxy.wire.postgres.command_tags import canonical_message
from pytest_resilience.services.libpq_url import libpq_url
from pytest_resilience.services.postgres import PostgresAddress


@dataclass(frozen=True, slots=True, repr=False)
class PostgresHandle(ServiceHandle):
    """A database behind a proxy.

    Args:
        address: the server, around the proxy.
        database: the name of the test's own database.
        scheme: the scheme of `dsn`, for example `postgresql+psycopg2`.
    """

    _word: ClassVar[str] = "postgres"
    address: PostgresAddress
    database: str
    scheme: str = "postgresql"

    @property
    def dsn(self) -> str:
        """The database's URL through the proxy."""
        return libpq_url(
            self.scheme,
            user=self.user,
            password=self.password,
            host=self.host,
            port=self.port,
            database=self.database,
        )

    @property
    def direct_dsn(self) -> str:
        """The database's URL around the proxy, for looking on from the side."""
        return self.address.dsn(self.database, scheme=self.scheme)

    @property
    def user(self) -> str:
        """The role to log in as."""
        return self.address.user

    @property
    def password(self) -> str:
        """The role's password; it is made anew for each run."""
        return self.address.password

    def at(
        self,
        message_or_request: str | None = None,
        *,
        sql: str | None = None,
        rows: int | None = None,
        table: str | None = None,
        side: Side = "request",
        nth: int = 1,
        times: int | None = 1,
        connection: int | None = None,
        headers: None = None,
        body: None = None,
    ) -> PostgresPoint:
        """Return the point at a message, for example `at("COMMIT", side="reply")`.

        Args:
            message_or_request: a command tag (`COMMIT`) or a protocol message (`Parse`).
            sql: a regular expression that is searched in the statement, ignoring case.
            rows: the point after so many rows, of `table` or of all.
            table: the table whose rows count.
            side: `request`, the server never gets it; `reply`, the server acted and the client never hears.
            nth: the first match that is hit, counted from where the fault's `with` begins.
            times: how many matches are hit; none is every one from there on.
            connection: only on this connection of the test, from 1.
            headers: of requests to web services alone.
            body: of requests to web services alone.

        Raises:
            TypeError: not exactly one of a message, `sql` and `rows` is given, or what only a request has.
            ValueError: there is no such message, or a value means nothing.
        """
        __tracebackhide__ = True
        if not headers is body is None:
            raise TypeError(
                "a database is sent no headers and no body: narrow a message by `sql` or `connection`"
            )
        when = trigger(
            {"message": message_or_request, "sql": sql, "rows": rows},
            {"table": table, "side": side, "nth": nth, "connection": connection},
            times=times,
        )
        _check(message_or_request, sql)
        return PostgresPoint(self.proxied, when, times)


def _check(message: str | None, sql: str | None) -> None:
    """See here what the engine would refuse only where the fault's block begins."""
    __tracebackhide__ = True
    if message is not None:
        canonical_message(message)
    if sql is not None:
        try:
            re.compile(sql)
        except re.error as error:
            raise ValueError(f"sql is {sql!r}, which is no regular expression: {error}") from None
