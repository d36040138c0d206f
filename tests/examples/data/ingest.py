from pytest_resilience import ingest_data_with_checkpoint


def load_stays(path):
    """Load a file of ICU stays; after a failure, call it again."""
    result = ingest_data_with_checkpoint(path, "raw.icustays")
    return f"{result.rows} rows are in, {result.rejected} were refused, {result.resumed_from} were in before"
