"""Toxiproxy's toxics, one file each."""

from __future__ import annotations

from pytest_resilience.proxy.toxics.attributes import Attributes
from pytest_resilience.proxy.toxics.bandwidth import Bandwidth
from pytest_resilience.proxy.toxics.latency import Latency
from pytest_resilience.proxy.toxics.limit_data import LimitData
from pytest_resilience.proxy.toxics.noop import Noop
from pytest_resilience.proxy.toxics.reset_peer import ResetPeer
from pytest_resilience.proxy.toxics.slicer import Slicer
from pytest_resilience.proxy.toxics.slow_close import SlowClose
from pytest_resilience.proxy.toxics.timeout import Timeout

TOXICS: tuple[type[Attributes], ...] = (
    Latency,
    Bandwidth,
    SlowClose,
    Timeout,
    ResetPeer,
    Slicer,
    LimitData,
    Noop,
)
"""Every toxic that the API knows."""

TOXIC_OF_KIND = {toxic.kind: toxic for toxic in TOXICS}
