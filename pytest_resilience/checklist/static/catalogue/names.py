"""One name for each thing of a library, whichever of its re-exports the code uses, and what is a subclass of what."""

from __future__ import annotations

import builtins
from collections.abc import Container

from pytest_resilience.checklist.static.catalogue.model import Catalogue

_MOST_HOPS = 8


class Names:
    """Dotted names of a catalogue and of Python itself; classes of the code are added while it is read."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._aliases = catalogue.aliases
        self._bases: dict[str, tuple[str, ...]] = {**_builtin_classes(), **catalogue.bases}
        self._known: dict[str, str] = {}
        self._ancestors: dict[str, tuple[str, ...]] = {}

    def canonical(self, path: str) -> str:
        """Return the one name of what a dotted name stands for."""
        found = self._known.get(path)
        if found is None:
            found = path
            for _ in range(_MOST_HOPS):
                following = self._one_hop(found)
                if following == found:
                    break
                found = following
            self._known[path] = found
        return found

    def _one_hop(self, path: str) -> str:
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            target = self._aliases.get(".".join(parts[:length]))
            if target is not None:
                return ".".join([target, *parts[length:]])
        return path

    def declare(self, name: str, bases: tuple[str, ...]) -> None:
        """Add a class of the code."""
        if self._bases.get(name) != bases:
            self._bases[name] = bases
            self._ancestors.clear()

    def ancestors(self, name: str) -> tuple[str, ...]:
        """Return a class and all its base classes, nearest first."""
        found = self._ancestors.get(name)
        if found is None:
            order = dict.fromkeys([name])
            queue = [name]
            while queue:
                for base in self._bases.get(queue.pop(0), ()):
                    if base not in order:
                        order[base] = None
                        queue.append(base)
            found = self._ancestors[name] = tuple(order)
        return found

    def covers(self, caught: str, error: str) -> bool:
        """Return whether an `except` of one class catches another."""
        return caught in self.ancestors(error)

    def member(self, owner: str, name: str, known: Container[str]) -> str | None:
        """Return the path of a method where the type, or a base of it, has it in a table."""
        for base in self.ancestors(owner):
            path = f"{base}.{name}"
            if path in known:
                return path
        return None


def _builtin_classes() -> dict[str, tuple[str, ...]]:
    classes = [thing for thing in vars(builtins).values() if isinstance(thing, type)]
    found = {
        f"builtins.{cls.__name__}": tuple(f"builtins.{b.__name__}" for b in cls.__bases__) for cls in classes
    }
    return {name: bases for name, bases in found.items() if name != "builtins.object"}
