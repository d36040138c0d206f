"""Experiments: what is tried on declared workloads, each a test item of its own.

Reading order: `experiment` (what one is), `single_fault` (one fault at one point), `schedule` (several), then those of
the items that no single fault can judge.
"""
