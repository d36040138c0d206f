"""Waivers: findings that somebody answers for, for a while, with somebody else's approval."""

from pytest_resilience.checklist.waivers.file import read_waivers
from pytest_resilience.checklist.waivers.waiver import LONGEST, Waiver, unused

__all__ = ["LONGEST", "Waiver", "read_waivers", "unused"]
