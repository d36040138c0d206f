"""The platform ingests with the runtime's agent."""

from __future__ import annotations

from pytest_resilience import DataIngestionAgent

__all__ = ["DataIngestionAgent"]
