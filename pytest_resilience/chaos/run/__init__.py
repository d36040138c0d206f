"""One run of a workload in a sandbox, with faults, and everything that was seen of it."""
