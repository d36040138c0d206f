"""`python -m pytest_resilience init`: a starting configuration, guessed from a project's own files."""
