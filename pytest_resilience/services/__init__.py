"""Adapters of the real things that a test needs: one file a service."""
