"""The addresses of databases, as libpq takes them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode


def libpq_url(
    scheme: str,
    *,
    user: str,
    password: str,
    host: str,
    port: int,
    database: str,
    parameters: Mapping[str, str] | None = None,
) -> str:
    """Return a connection URI (PostgreSQL documentation, 32.1.1.2); `host` may be the folder of a Unix socket."""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    folder = {"host": host, "port": port} if host.startswith("/") else {}
    query = urlencode({**folder, **(parameters or {})}, quote_via=quote)  # libpq takes a plus for a plus
    where = "" if folder else host_and_port(host, port)
    return f"{scheme}://{login}@{where}/{quote(database, safe='')}" + (f"?{query}" if query else "")


def host_and_port(host: str, port: int) -> str:
    """Return where a server listens, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
