"""Read the plan of a workload, change this process as it says, and report what was done."""

# ruff: noqa: PLC0415 - what is not asked for is not imported

from __future__ import annotations

import json
import sys
from typing import Any

from . import desk
from .at_end import at_end


def start(path: str) -> None:
    """Change this process as the plan in a file says; a plan that is gone (the run is over) changes nothing."""
    try:
        with open(path, encoding="utf-8") as stream:  # noqa: PTH123 - pathlib costs 5 ms here
            plan = json.load(stream)
    except OSError:
        return
    desk.open_at(plan["desk"])
    failures = _change(plan)
    desk.ask({"hello": sys.argv[:1], "failures": failures})


def _change(plan: dict[str, Any]) -> list[str]:
    failures = []
    for change in (_time, _random, _files, _imports):
        try:
            change(plan)
        except Exception as error:  # noqa: BLE001 - a workload starts whatever we could not do
            failures.append(f"{change.__name__[1:]}: {type(error).__name__}: {error}")
    return failures


def _time(plan: dict[str, Any]) -> None:
    if plan["time_scale"] == 1 and not plan["control"]:
        return
    from . import scaled_time
    from .orders import JUMP, Page

    scaled_time.install()
    scaled_time.CLOCKS.begin(plan["time_scale"], plan["monotonic"], plan["wall"])
    if plan["control"]:
        page = Page(plan["page"])
        scaled_time.CLOCKS.follow(
            page.floats[JUMP : JUMP + 1], lambda by: desk.ask({"receipt": "clock_jump", "by": by})
        )
    if plan["time_scale"] != 1:
        from . import loops

        loops.install()
        at_end(_tell_of_loops)


def _random(plan: dict[str, Any]) -> None:
    if not plan["pin_random"]:
        return
    from . import pinned_random

    pinned_random.install()
    pinned_random.DICE.pinned = True
    pinned_random.DICE.tell = lambda what: desk.ask({"escaped": f"{what}: its draws are not pinned"})
    at_end(_tell_of, "numpy.random", "its draws are not pinned")


def _files(plan: dict[str, Any]) -> None:
    if not plan["control"]:
        return
    from . import files
    from .orders import Orders, Page
    from .watch import WATCH

    WATCH.begin(Orders(Page(plan["page"]), plan["orders"]), plan["folder"], desk.ask)
    files.install()


def _imports(plan: dict[str, Any]) -> None:
    if plan.get("imports"):
        from . import imports

        at_end(imports.record, plan["imports"])


def _tell_of_loops() -> None:
    from . import loops

    if loops.escaped():
        desk.ask({"escaped": f"{loops.NAME}: its timers are not scaled"})


def _tell_of(module: str, what: str) -> None:
    if module in sys.modules:
        desk.ask({"escaped": f"{module}: {what}"})


def install_all() -> None:
    """Put everything in its place that a later `start` may wake up: for a process that forks workloads."""
    from . import files, pinned_random, scaled_time

    for module in (scaled_time, pinned_random, files):
        module.install()
