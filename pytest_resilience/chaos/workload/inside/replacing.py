"""Put another function in the place of one, wherever it is known already; also in types that are written in C."""

from __future__ import annotations

import gc
import sys
from typing import Any

UNTOUCHED = ("_resilience_inside", "_frozen_importlib", "posix", "_io", "_pyio", "_thread")
"""The import system writes its caches through these."""


def replace_method(owner: type, name: str, make: Any) -> None:
    """Replace a method of a built-in type by `make(the old one)`; a name that it does not have is left alone.

    Raises:
        RuntimeError: this interpreter does not let us.
    """
    import ctypes  # noqa: PLC0415 - only where a type has to be changed

    found = gc.get_referents(owner.__dict__)
    if not found or not isinstance(found[0], dict):
        raise RuntimeError(f"{owner.__name__} of this interpreter cannot be changed")
    if name in found[0]:
        found[0][name] = make(found[0][name])
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))


def replace_functions(owner: Any, new: dict[str, Any]) -> None:
    """Replace functions of a module, there and in every module that has imported them by name."""
    by_id = {id(getattr(owner, name)): (getattr(owner, name), function) for name, function in new.items()}
    for name, function in new.items():
        setattr(owner, name, function)
    for module in list(sys.modules.values()):
        if type(module) is type(sys) and not module.__name__.startswith(UNTOUCHED):
            _replace_in(vars(module), by_id)


def _replace_in(names: dict[str, Any], by_id: dict[int, tuple[Any, Any]]) -> None:
    for name, value in list(names.items()):
        found = by_id.get(id(value))
        if found is not None and found[0] is value:
            names[name] = found[1]
