"""SQL identifiers, quoted (PostgreSQL documentation, 4.1.1)."""

from __future__ import annotations

import re

from pytest_resilience.errors import FatalError

_PLAIN = re.compile(r"[A-Za-z_]\w{0,62}(?:\.[A-Za-z_]\w{0,62})?")


def quoted(name: str) -> str:
    """Return a name as an SQL identifier, whatever it contains."""
    return '"' + name.replace('"', '""') + '"'


def own_table(name: str) -> str:
    """Return the name of a table that the runtime keeps its own records in, quoted as SQL would read it.

    Raises:
        FatalError: it is not `name` or `schema.name`.
    """
    if not _PLAIN.fullmatch(name):
        raise FatalError(f"a table of the runtime's own must be 'name' or 'schema.name', got {name!r}")
    return ".".join(quoted(part.lower()) for part in name.split("."))
