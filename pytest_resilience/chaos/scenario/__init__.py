"""Scenarios: promise, faults, workload and what is expected; written as YAML files, or made by exploration."""
