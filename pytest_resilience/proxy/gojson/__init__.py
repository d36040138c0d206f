"""JSON as Go's encoding/json reads and writes it: clients see its error texts, its leniency and its numbers."""
