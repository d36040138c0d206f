"""Change a Python workload from its first moment, then run the user's own `sitecustomize`, if there is one."""

from __future__ import annotations

import os
import sys

PLAN = "RESILIENCE_INSIDE"
PACKAGE = "_resilience_inside"


def _change_this_process() -> None:
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib costs 5 ms here
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != here]  # noqa: PTH100
    plan = os.environ.get(PLAN)
    if plan is None or PACKAGE in sys.modules:
        return
    _load(os.path.dirname(here))  # noqa: PTH120
    from _resilience_inside.start import start  # type: ignore[import-not-found]  # noqa: PLC0415

    start(plan)


def _load(folder: str) -> None:
    import _frozen_importlib as importing  # noqa: PLC0415 - importlib.util costs 3 ms here
    import _frozen_importlib_external as files  # noqa: PLC0415

    spec = files.spec_from_file_location(
        PACKAGE,
        os.path.join(folder, "__init__.py"),  # noqa: PTH118
        submodule_search_locations=[folder],
    )
    module = importing.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]


def _run_the_users_own() -> None:
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # type: ignore[import-not-found]  # noqa: F401, PLC0415 - ours is off the path
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
        if ours is not None:
            sys.modules["sitecustomize"] = ours


if __name__ == "sitecustomize":
    _change_this_process()
    _run_the_users_own()
