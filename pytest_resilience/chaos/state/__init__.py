"""The state of a service, comparable between runs, and what must be true of it: the oracles, in words without data."""
