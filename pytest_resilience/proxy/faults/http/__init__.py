"""Faults at HTTP's messages."""
