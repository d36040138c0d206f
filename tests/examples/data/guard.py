import os

from pytest_resilience import AlertRouter, DatabaseGuard, ingest_data_with_checkpoint


def nightly(paths):
    """Load tonight's files, through losses of the database."""
    router = AlertRouter()
    address = {"dsn": os.environ["DATABASE_URL"]}
    guard = DatabaseGuard(address, alert=router.route_alert, resolve=router.resolve_alert)
    for path in paths:
        guard.call(ingest_data_with_checkpoint, path, "raw.icustays")
