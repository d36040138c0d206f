"""Remove what a run has made on servers that are not its own, whatever ended the run.

Run under a guardian, as `python -m pytest_resilience.services.own_keeper`, with the order as JSON in the variable
`ORDER`: it holds a password, which other users could read on a command line. It waits for SIGTERM, and then removes
what bears the run's name. Nothing else there is touched.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.foreign_mlflow import remove_from_registry
from pytest_resilience.services.own_environment import own_environment
from pytest_resilience.services.postgres import PostgresAddress, owned_databases
from pytest_resilience.services.process import ChildProcess, Command, tail
from pytest_resilience.services.run_folder import RunFolder

ORDER = "RESILIENCE_KEEPER_ORDER"
START_TIMEOUT = 60.0
GRACE = 20.0
"""Seconds that it has for the removal."""


def keep(run: RunFolder, kind: str, order: dict[str, Any]) -> ChildProcess:
    """Start the keeper of what a run makes on one server, before anything is made there.

    Args:
        run: the folder and the owner.
        kind: `postgres` or `mlflow`.
        order: the fields of the server's address, or `url` and `prefix` of a registry.
    """
    log = run.folder("keepers") / f"{kind}.log"
    command = Command(
        arguments=[sys.executable, "-m", "pytest_resilience.services.own_keeper"],
        log=log,
        run=run,
        env=own_environment() | {ORDER: json.dumps({"kind": kind, **order})},
        grace=GRACE,
    )
    child = ChildProcess(f"the keeper of what is ours on the {kind} server", command)
    child.wait_until(lambda: bool(tail(log)), timeout=START_TIMEOUT)
    return child


def main(order: dict[str, Any]) -> int:
    """Wait, then remove."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    sys.stdout.write(f"keeping what is ours on the {order['kind']} server\n")
    sys.stdout.flush()
    signal.sigwait({signal.SIGTERM})
    import psycopg2

    kind = order.pop("kind")
    try:
        if kind == "postgres":
            _drop_databases(PostgresAddress(**order))
        else:
            remove_from_registry(order["url"], lambda name: name.startswith(order["prefix"]))
    except (HarnessError, psycopg2.Error) as error:
        sys.stdout.write(f"could not remove what is ours: {error}\n")
        return 1
    return 0


def _drop_databases(address: PostgresAddress) -> None:
    for name in owned_databases(address):
        if name.startswith(address.prefix):
            address.drop_database(name)


if __name__ == "__main__":
    sys.exit(main(json.loads(os.environ.pop(ORDER))))
