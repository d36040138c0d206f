"""Dice that always show their middle: the `random` module, so that a jittered delay is exact.

Numbers are pinned: `random`, `uniform`, `randint`, `gauss`, `choice` and the like, of the module and of every
`Random` that draws by itself. Identifiers are not: `getrandbits`, `randbytes`, `shuffle`, `sample`, and `choices`
of several stay random, for two of them that are equal would break code that is sound. `SystemRandom` and NumPy are
out of reach.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

from .replacing import replace_functions


class Dice:
    """Whether draws are pinned now, and who is told of a draw that cannot be."""

    def __init__(self) -> None:
        self.pinned = False
        self.told: set[str] = set()
        self.tell: Callable[[str], Any] = str
        self.free = threading.local()

    def hold(self, generator: Any) -> bool:
        """Return whether a generator's draw is pinned."""
        return (
            self.pinned
            and getattr(self.free, "depth", 0) == 0
            and type(generator).random is random.Random.random
        )

    def escaped(self, what: str) -> None:
        """Tell once of a draw that was not pinned."""
        if self.pinned and what not in self.told:
            self.told.add(what)
            self.tell(what)


DICE = Dice()

MIDDLES: dict[str, Callable[..., Any]] = {
    "random": lambda _self: 0.5,
    "_randbelow": lambda _self, n, *_: n // 2,
    "triangular": lambda _self, low=0.0, high=1.0, mode=None: (
        (low + high) / 2 if mode is None else (low + high + mode) / 3
    ),
    "gauss": lambda _self, mu=0.0, sigma=1.0: mu,  # noqa: ARG005
    "normalvariate": lambda _self, mu=0.0, sigma=1.0: mu,  # noqa: ARG005
    "vonmisesvariate": lambda _self, mu, kappa: mu,  # noqa: ARG005
    "gammavariate": lambda _self, alpha, beta: alpha * beta,
    "betavariate": lambda _self, alpha, beta: alpha / (alpha + beta),
    "binomialvariate": lambda _self, n=1, p=0.5: round(n * p),
}
FREE = ("shuffle", "sample")


_installed: list[bool] = []


def install() -> None:
    """Put pinnable draws in the place of the module's; they are as before until `DICE.pinned`."""
    if _installed:
        return
    _installed.append(True)
    generator = random.Random
    old = {name: getattr(random, name) for name in random.__all__ if hasattr(random._inst, name)}  # noqa: SLF001
    for name, middle in MIDDLES.items():
        if hasattr(generator, name):
            setattr(generator, name, _pinned(getattr(generator, name), middle))
    for name in FREE:
        setattr(generator, name, _freed(getattr(generator, name)))
    generator.choices = _choices(generator.choices)  # type: ignore[method-assign]
    for name in ("random", "getrandbits"):
        setattr(random.SystemRandom, name, _noted(getattr(random.SystemRandom, name)))
    replace_functions(random, {name: getattr(random._inst, name) for name in old})  # noqa: SLF001


def _pinned(old: Any, middle: Any) -> Any:
    def draw(self: Any, *args: Any, **kwargs: Any) -> Any:
        return middle(self, *args, **kwargs) if DICE.hold(self) else old(self, *args, **kwargs)

    return draw


def _freed(old: Any) -> Any:
    def draw(self: Any, *args: Any, **kwargs: Any) -> Any:
        DICE.free.depth = getattr(DICE.free, "depth", 0) + 1
        try:
            return old(self, *args, **kwargs)
        finally:
            DICE.free.depth -= 1

    return draw


def _choices(old: Any) -> Any:
    freed = _freed(old)

    def choices(
        self: Any, population: Any, weights: Any = None, *, cum_weights: Any = None, k: int = 1
    ) -> Any:
        return (old if k == 1 else freed)(self, population, weights, cum_weights=cum_weights, k=k)

    return choices


def _noted(old: Any) -> Any:
    def draw(self: Any, *args: Any) -> Any:
        DICE.escaped("SystemRandom")
        return old(self, *args)

    return draw
