"""After any fault nothing is left in the engine: no socket, no timer, no hold."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

FAULTS = [
    ("cut", {"message": "COMMIT"}, {}),
    ("reset", {"message": "COMMIT", "side": "reply"}, {}),
    ("hang", {"message": "INSERT"}, {}),
    ("hang", {"message": "COMMIT", "side": "reply"}, {"keep": True}),
    ("delay", {"message": "INSERT"}, {"by": 3600}),
    ("hold", {"message": "COMMIT"}, {"lease": 3600}),
    ("error", {"message": "INSERT", "side": "reply"}, {"sqlstate": "57P01"}),
    ("truncate", {"message": "BEGIN"}, {"bytes": 3}),
]


def insert(dsn: str) -> None:
    """Insert and commit a row, unless the connection ends."""
    with contextlib.suppress(psycopg2.Error):
        connection = psycopg2.connect(dsn)
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("insert into t values (1) on conflict do nothing")
            connection.commit()


@pytest.mark.parametrize(("kind", "when", "attributes"), FAULTS)
def test_nothing_is_left(warehouse, engine_folder, kind, when, attributes):
    """Connections are struck, the proxy is taken down, and the engine has as many descriptors as before."""
    descriptors = engine_folder / "fd"
    before = len(list(descriptors.iterdir()))
    fault = warehouse.fault(kind, when, times=None, **attributes)
    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(insert, warehouse.dsn) for _ in range(8)]
        warehouse.wait_until_fired(fault)
        warehouse.client.set_enabled(warehouse.name, enabled=False)
        for one in done:
            one.result(60)
    warehouse.heal(fault)
    holds = warehouse.client.call("GET", "/resilience/holds")["holds"]

    assert warehouse.state(fault)["state"] == "healed"
    assert [hold for hold in holds if hold["proxy"] == warehouse.name] == []
    warehouse.wait_until(lambda: len(list(descriptors.iterdir())) <= before + 1, "the end of all sockets")
