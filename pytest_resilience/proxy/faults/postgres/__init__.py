"""Faults at PostgreSQL's messages."""
