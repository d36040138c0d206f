"""What runs in production: retry, breaker, transactions, checkpoints, ingestion, recovery, voice."""
