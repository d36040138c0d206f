"""Known state: what is there, and how it is, when a run begins: databases, registries, upstreams, files."""
