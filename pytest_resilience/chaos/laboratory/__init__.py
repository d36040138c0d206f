"""The laboratory: where a test run makes its runs of workloads, and keeps the undisturbed ones."""
