"""Toxiproxy's toxics, one file each."""

from __future__ import annotations

from typing import ClassVar, Protocol

from pytest_resilience.proxy.toxics.latency import Latency
from pytest_resilience.proxy.toxics.noop import Noop
from pytest_resilience.proxy.toxics.reset_peer import ResetPeer
from pytest_resilience.proxy.toxics.stage import Stage
from pytest_resilience.proxy.toxics.timeout import Timeout


class Attributes(Protocol):
    """A toxic's attributes, as a frozen dataclass of integers, and the stage that acts on them."""

    type: ClassVar[str]
    stage: ClassVar[type[Stage]]

    def check(self) -> None:
        """Raise `AttributeRefusedError` for values that make no sense."""


TOXICS: tuple[type[Attributes], ...] = (Latency, Timeout, ResetPeer, Noop)
"""Every toxic that the API knows."""

TOXIC_OF_TYPE = {toxic.type: toxic for toxic in TOXICS}
