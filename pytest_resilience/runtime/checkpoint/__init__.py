"""Checkpoints: where a long operation stands, so that its next run goes on from there."""
