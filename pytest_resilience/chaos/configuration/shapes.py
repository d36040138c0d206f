"""How the names, tables, requests and addresses of a configuration have to look."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_resilience.chaos.configuration.table import Table


@dataclass(frozen=True, slots=True)
class Shape:
    """A form that a text has.

    Args:
        pattern: matches the whole text.
        meant: what messages say it has to be, with an example.
    """

    pattern: re.Pattern[str]
    meant: str

    def fits(self, text: str) -> bool:
        """Return whether the text has this form."""
        return self.pattern.fullmatch(text) is not None

    def check(self, table: Table, text: str, *keys: str | int) -> bool:
        """Complain of a text that has another form, and return whether it fits."""
        if self.fits(text):
            return True
        label = ".".join(str(key) for key in keys if isinstance(key, str))
        table.complain(f"{table.label(label)} is {text!r}: {self.meant}", *keys)
        return False


_SQL_NAME = r'(?:[^\W\d][\w$]*|"(?:[^"]|"")+")'
_REQUEST = r"[A-Z]+ /\S*"

NAME = Shape(re.compile(r"[A-Za-z0-9_-]+", re.ASCII), "a name has letters, digits, _ and - alone")
VARIABLE = Shape(
    re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII), "an environment variable has letters, digits and _ alone"
)
TABLE = Shape(re.compile(rf"(?:{_SQL_NAME}\.)?{_SQL_NAME}"), 'a table is "schema.table", or "table"')
COLUMN = Shape(re.compile(rf"{_SQL_NAME}\.{_SQL_NAME}\.{_SQL_NAME}"), 'a column is "schema.table.column"')
REQUEST = Shape(re.compile(_REQUEST), 'a request is a method and a path, "GET /health"')
HEADER = Shape(
    re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII), "a header has letters, digits and - (RFC 9110, 5.1)"
)
FUNCTION = Shape(
    re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*"),
    'a function is "package.module:name"',
)
DIALECT = Shape(
    re.compile(r"postgres(?:ql)?(?:\+\w+)?"), 'a dialect is "postgresql", or "postgresql+psycopg2"'
)
HTTP_URL = Shape(re.compile(r"https?://[^\s/]\S*"), "an address that begins with http:// or https://")
POSTGRES_URL = Shape(
    re.compile(r"postgres(?:ql)?(?:\+\w+)?://\S*|(?:\w+ *= *\S+\s*)+"),
    'an address, "postgresql://user@host/database"',
)
HOST_PORT = Shape(re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}"), 'an address is "host:port"')
