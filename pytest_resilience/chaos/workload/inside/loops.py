"""Where time is scaled, uvloop's loops give way to asyncio's: its timers are in C and follow no clock of ours."""

from __future__ import annotations

import sys
import warnings
from typing import Any

from .replacing import replace_functions

NAME = "uvloop"
_DONE: list[object] = []


def install() -> None:
    """Have uvloop, which may be loaded already or at any time, make loops of asyncio."""
    if NAME in sys.modules:
        give_way(sys.modules[NAME])
    else:
        sys.meta_path.insert(0, _Finder())


def escaped() -> bool:
    """Whether uvloop is there as it is."""
    return NAME in sys.modules and sys.modules[NAME] not in _DONE


def give_way(module: Any) -> None:
    """Put what asyncio has in the place of what makes loops."""
    import asyncio

    def run(main: Any, *, debug: bool | None = None, **_: Any) -> Any:
        return asyncio.run(main, debug=debug)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of policies, from Python 3.14 on
        policy = asyncio.DefaultEventLoopPolicy
    ours = {
        "EventLoopPolicy": policy,
        "Loop": asyncio.SelectorEventLoop,
        "install": lambda: None,
        "new_event_loop": asyncio.SelectorEventLoop,
        "run": run,
    }
    replace_functions(module, {name: new for name, new in ours.items() if hasattr(module, name)})
    _DONE.append(module)


class _Finder:
    """Finds uvloop where it is, and changes it once it is loaded."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the real module's specification; none for all others."""
        if name != NAME:
            return None
        sys.meta_path.remove(self)
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path)
        spec = next((each for each in found if each is not None), None)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                load(module)
                give_way(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
