import os

from pytest_resilience import AlertRouter, DatabaseGuard, ingest_data_with_checkpoint


def nightly(paths):
    """Load tonight's files, through losses of the database."""
    guard = DatabaseGuard({"dsn": os.environ["DATABASE_URL"]}, alert=AlertRouter().route_alert)
    for path in paths:
        guard.call(ingest_data_with_checkpoint, path, "raw.icustays")
