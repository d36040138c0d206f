"""The time of deliveries: they go on in the background, by real networks, even where a test makes time virtual."""

from __future__ import annotations

from pytest_resilience.clock import SystemClock

REAL_TIME = SystemClock()
"""Another instance than the shared one, which `virtual_time()` replaces."""
