"""What runs inside a Python workload to change its time, its dice and its disk; standard library only.

A workload loads it as `_resilience_inside` (see `bootstrap/sitecustomize.py`), so it imports its own parts relatively
and nothing else of this project.
"""
