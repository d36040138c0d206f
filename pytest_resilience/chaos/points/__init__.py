"""Fault points: the places of a clean run at which a fault can go, found in the messages that the proxy saw.

Reading order: `point` (what one is), `of_postgres` and `of_http` (from messages to points), `recording` (all of a
workload's, kept and compared).
"""
