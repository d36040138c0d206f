"""What the whole process was told on its command line."""

from __future__ import annotations

from dataclasses import dataclass

TOXIPROXY_VERSION = "2.12.0"
"""The version of Toxiproxy whose API this is; clients ask for it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked for on the command line.

    Args:
        seed: what every draw follows from.
        compat: imitate Toxiproxy where it surprises.
        proxy_metrics: count bytes at `/metrics`.
        runtime_metrics: describe the process at `/metrics`.
    """

    seed: int = 0
    compat: bool = False
    proxy_metrics: bool = False
    runtime_metrics: bool = False
