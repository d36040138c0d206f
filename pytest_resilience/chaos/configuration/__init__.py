"""What a team declares about its code: services, workloads, alerts; read from pyproject.toml or resilience.toml."""
