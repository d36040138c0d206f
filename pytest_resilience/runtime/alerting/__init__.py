"""Alerts on their way out: the router, the durable outbox, one file a channel."""
