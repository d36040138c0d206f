"""Reads the code under test without running it: its external calls, and what meets their failures."""

from __future__ import annotations

from pytest_resilience.checklist.static.analysis import analyse
from pytest_resilience.checklist.static.catalogue.load import CatalogueError
from pytest_resilience.checklist.static.evidence import evidence
from pytest_resilience.checklist.static.report import (
    Coverage,
    EntryPoint,
    Place,
    Retried,
    Site,
    StaticReport,
)

__all__ = [
    "CatalogueError",
    "Coverage",
    "EntryPoint",
    "Place",
    "Retried",
    "Site",
    "StaticReport",
    "analyse",
    "evidence",
]
