"""Schedules: several faults in one run, drawn at random where bugs live, and what they find made small.

Reading order: `place` (where faults may go), `stroke` (one fault there), `table` (which are drawn how often), `trial`
(one schedule tried and judged), `hunt` (Hypothesis draws until one does harm), `smallest` (that one with as few faults
as can be), `search` (all of it, for one workload).
"""
