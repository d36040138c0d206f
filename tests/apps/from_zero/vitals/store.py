"""The store, by asyncpg: one page and its cursor in one transaction."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from vitals.patience import patiently
from vitals.problems import Passing, VitalsProblem

WHERE = {"service": "store", "component": "database"}
SOURCE = "monitors"
PASSING = ("08", "40001", "40P01", "53", "55P03", "57P0")


@patiently
async def next_page() -> int:
    """Return the page that comes next."""
    async with _transaction("read the cursor") as connection:
        return int(await connection.fetchval("select page from cursors where source = $1", SOURCE))


@patiently
async def keep(page: int, readings: Sequence[dict[str, Any]]) -> None:
    """Write what is not there yet of a page."""
    async with _transaction("write a page") as connection:
        columns = [[reading[name] for reading in readings] for name in ("id", "bed", "pulse")]
        await connection.execute(
            "insert into readings (reading_id, source, bed, pulse)"
            " select id, $1, bed, pulse from unnest($2::bigint[], $3::text[], $4::int[]) as page (id, bed, pulse)"
            " where not exists (select from readings where reading_id = id)",
            SOURCE,
            *columns,
        )
        await connection.execute(
            "update cursors set page = $2, read = (select count(*) from readings where source = $1) where source = $1",
            SOURCE,
            page + 1,
        )


@patiently
async def forget() -> None:
    """Take everything from the monitors out again."""
    async with _transaction("forget readings") as connection:
        await connection.execute("delete from readings where source = $1", SOURCE)
        await connection.execute("update cursors set page = 0, read = 0 where source = $1", SOURCE)


@asynccontextmanager
async def _transaction(what: str) -> AsyncIterator[asyncpg.Connection]:
    connection: asyncpg.Connection | None = None
    try:
        connection = await asyncpg.connect(os.environ["VITALS_DSN"], timeout=4, command_timeout=4)
        async with connection.transaction():
            yield connection
    except asyncpg.PostgresError as error:
        code = error.sqlstate or "none"
        kind = Passing if code.startswith(PASSING) else VitalsProblem
        raise kind(f"{what}: SQLSTATE {code}", status=code, **WHERE) from error
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise Passing(f"{what}: the connection was lost", **WHERE) from error
    finally:
        if connection is not None:
            connection.terminate()
