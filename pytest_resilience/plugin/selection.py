"""Which experiments were selected on the command line, and by the shard."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import pytest

PREFIX = "resilience"
SELECTED: pytest.StashKey[Selection] = pytest.StashKey()


class Selection:
    """What the command line says of experiments.

    Args:
        wanted: whether there are experiments at all in this test run.
        named: those that are asked for by name, `resilience::...`; none is all.
    """

    def __init__(self, *, wanted: bool, named: Sequence[str] = ()) -> None:
        self.wanted = wanted
        self.named = tuple(named)

    def takes(self, nodeid: str) -> bool:
        """Tell whether an experiment is asked for."""
        return not self.named or any(nodeid == name or nodeid.startswith(f"{name}::") for name in self.named)

    def refuse_unknown(self, nodeids: Sequence[str]) -> None:
        """Refuse a name that no experiment has.

        Raises:
            pytest.UsageError: it may be that the code, and with it the fault points, have changed.
        """
        for name in self.named:
            if not any(nodeid == name or nodeid.startswith(f"{name}::") for nodeid in nodeids):
                close = get_close_matches(name, nodeids, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise pytest.UsageError(
                    f"there is no experiment {name!r} on what is declared here{hint} "
                    "`pytest --chaos-list -v` lists the fault points"
                )

    def told(self) -> dict[str, Any]:
        """Return it for a worker of pytest-xdist, whose own command line is another."""
        return {"wanted": self.wanted, "named": list(self.named)}


def select(config: pytest.Config) -> Selection:
    """Return what the command line says, and take the names of experiments out of what pytest looks for as paths."""
    named = [argument for argument in config.args if argument.partition("::")[0] == PREFIX]
    config.args[:] = [argument for argument in config.args if argument not in named]
    handed_over = getattr(config, "workerinput", {}).get("resilience_selection")
    if handed_over is not None:
        return Selection(wanted=handed_over["wanted"], named=handed_over["named"])
    paths_given = config.args_source is config.ArgsSource.ARGS
    checklist = bool(config.getoption("resilience_checklist", default=False))
    explores = not paths_given and config.getoption("resilience_explore", default="sample") != "off"
    wanted = (checklist or explores or bool(named)) and not config.option.collectonly
    return Selection(wanted=wanted, named=named)


def of_shard(items: Sequence[pytest.Item], shard: tuple[int, int] | None) -> list[pytest.Item]:
    """Return those of a shard: every N-th by name, so that each machine finds the same parts.

    What is tried at one fault point stays together, so that points can be counted part by part.
    """
    if shard is None:
        return list(items)
    part, parts = shard
    order = sorted({_place(item) for item in items})
    mine = {place for number, place in enumerate(order) if number % parts == part - 1}
    return [item for item in items if _place(item) in mine]


def _place(item: pytest.Item) -> str:
    return str(getattr(getattr(item, "experiment", None), "place", item.nodeid))
