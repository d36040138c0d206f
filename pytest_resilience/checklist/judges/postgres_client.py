"""What ends a wait of PostgreSQL's clients: the usual settings do not end the silence of a server.

PostgreSQL's documentation: the server counts `statement_timeout`; libpq's `connect_timeout` ends with the login, and
`tcp_user_timeout` and keepalives count what the other kernel has not acknowledged.
"""

from __future__ import annotations

_LATE = (
    "libpq, hence psycopg and psycopg2, has no time-out for reading, and neither statement_timeout, which the server "
    "counts, nor tcp_user_timeout and keepalives, which end with a kernel that answers, end the silence of a server: "
    "bound the wait itself, psycopg's asynchronous connection by asyncio.timeout, psycopg2's by a callback that gives "
    "up (psycopg2.extensions.set_wait_callback), asyncpg's by command_timeout; close the connection after that"
)
ADVICE = ((r"\bdeadline\b|\bwas still waiting after\b|\bcalls never came back\b", _LATE),)
"""By what a reason says, what to do."""
WHOSE = "PostgreSQL's clients"
