"""The pytest side: options, collection, fixtures and the gate; pytest is imported here alone."""
