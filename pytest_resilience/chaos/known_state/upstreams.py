"""The servers that a team brings along, one process for each run."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pytest_resilience.chaos.configuration.model import ServiceDeclaration
from pytest_resilience.chaos.configuration.placeholders import fill_command
from pytest_resilience.chaos.known_state.ground import Ground
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.ahead import Ahead
from pytest_resilience.services.upstream import Upstream, start_upstream


def own_upstream(ground: Ground, declaration: ServiceDeclaration) -> Upstream:
    """Return a server that was started for this sandbox alone, and ends with it.

    It runs in the configuration's folder with the shell's environment.

    Raises:
        HarnessError: it did not start.
    """
    template = declaration.upstream or ""

    def command(port: int) -> Sequence[str]:
        try:
            return fill_command(template, {"python": sys.executable, "port": port})
        except ValueError as error:
            raise HarnessError(f"upstream of service {declaration.name}: {error}") from error

    run, folder, env = ground.pool.run, ground.folder, ground.shell

    def start() -> Upstream:
        return start_upstream(run, declaration.name, command, folder=folder, env=env)

    shelf = ground.pool.shelf(
        f"upstreams {declaration.name} {folder} {template}",
        lambda: Ahead(start, Upstream.stop, usable=lambda upstream: upstream.runs),
    )
    upstream = shelf.take()
    ground.undo.callback(upstream.stop)
    ground.note_log(declaration.name, upstream.child.log)
    return upstream
