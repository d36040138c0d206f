"""Collection: which tests are chaos tests, which of them run, and which services they will need."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_resilience.plugin.declared_environment import add_to, services_of
from pytest_resilience.plugin.session import GATE, RUN, reason_to_skip
from pytest_resilience.plugin.suite import SUITE

SERVERS_OF_FIXTURES = {"postgres": ("postgres",), "mlflow_server": ("mlflow",)}
"""The servers that a fixture is sure to need, started while other tests run."""

REFUSED = "resilience_refused"
"""Where a worker of pytest-xdist says why it would not begin."""

FIXTURES = ("postgres", "mlflow_server", "http_service", "toxiproxy", "chaos", "service", "workload")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Mark the tests that use our fixtures, skip chaos tests without `--chaos`, set what is declared for the rest."""
    run = config.stash.get(RUN, None)
    wanted = run is not None or config.option.collectonly
    for item in items:
        if fixtures_of(item):
            item.add_marker("chaos")
        if not wanted and item.get_closest_marker("chaos") is not None:
            item.add_marker(pytest.mark.skip(reason=reason_to_skip(config)))
        if run is not None and item.get_closest_marker("chaos") is not None:
            add_to(item, run.configuration, fixtures_of(item))
    if run is not None:
        try:
            _refuse_unknown_items(items)
            _add_experiments(session, items)
        except pytest.UsageError as error:
            vars(config).get("workeroutput", {})[REFUSED] = str(error)
            raise


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Refuse what a worker of pytest-xdist has refused: what it raises itself nobody sees.

    Raises:
        pytest.UsageError: as in the worker.
    """
    if (refused := getattr(node, "workeroutput", {}).get(REFUSED)) is not None:
        raise pytest.UsageError(refused)


def _refuse_unknown_items(items: list[pytest.Item]) -> None:
    """Refuse tests that say they prove what is no item of the checklist."""
    from pytest_resilience.chaos.item_ids import ITEM_IDS
    from pytest_resilience.chaos.nearest import nearest

    for item in items:
        marker = item.get_closest_marker("chaos")
        for name in () if marker is None else marker.kwargs.get("proves", ()):
            if name not in ITEM_IDS:
                raise pytest.UsageError(
                    f"{item.nodeid}: chaos(proves=...) names {name!r}, which is no item of the checklist; "
                    f"{nearest(str(name), ITEM_IDS)}"
                )


def _add_experiments(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Add the experiments behind the tests, and leave the other shards' items out."""
    from pytest_resilience.plugin.assembly import assemble
    from pytest_resilience.plugin.experiment_items import experiment_items
    from pytest_resilience.plugin.selection import SELECTED, of_shard

    config = session.config
    selection = config.stash[SELECTED]
    if selection.wanted:
        assembly = assemble(config, config.stash[SUITE], by_name=bool(selection.named))
        ledger = config.stash[GATE].ledger
        ledger.expect(assembly.items, assembly.points)
        ledger.notes.extend(assembly.notes)
        made = list(experiment_items(session, assembly.experiments))
        selection.refuse_unknown([item.nodeid for item in made])
        _count(config, len(made))
        items.extend(item for item in made if selection.takes(item.nodeid))
    mine = of_shard(items, config.getoption("resilience_shard", default=None))
    if len(mine) < len(items):
        kept = set(mine)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = mine


def _count(config: pytest.Config, number: int) -> None:
    """Let the terminal count what was made and not found; it keeps its count to itself."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if hasattr(terminal, "_numcollected"):
        vars(terminal)["_numcollected"] += number


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin to start the services that the selected tests need, side by side."""
    run = session.config.stash.get(RUN, None)
    if run is None:
        return
    experiments = [item.experiment for item in session.items if hasattr(item, "experiment")]
    session.config.stash[SUITE].crew.expect(experiments)
    needed: set[str] = set()
    for item in session.items:
        needed |= {server for fixture in fixtures_of(item) for server in SERVERS_OF_FIXTURES.get(fixture, ())}
        kinds = (run.configuration.services[name].kind for name in services_of(item))
        needed |= {kind for kind in kinds if kind in {"postgres", "mlflow"}}
    if needed:
        run.pool.prefetch(sorted(needed))


def fixtures_of(item: pytest.Item) -> list[str]:
    """Return our fixtures that a test uses; a project's own fixture of the same name is not ours."""
    info = getattr(item, "_fixtureinfo", None)
    definitions = getattr(info, "name2fixturedefs", {})
    return [name for name in FIXTURES if name in definitions and _is_ours(definitions[name][-1])]


def _is_ours(definition: pytest.FixtureDef[object]) -> bool:
    return str(definition.func.__module__).startswith("pytest_resilience.")
