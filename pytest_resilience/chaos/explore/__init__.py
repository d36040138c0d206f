"""Exploration: every fault point of a workload broken, one at a time or several in a row, and judged.

Reading order: `probe` (one fault at one point), `choice` (which of them), `oracle` (what surviving means),
`exploration` (all of a workload's), `schedules` (several faults at once), `found` (what is written down).
"""
