import psycopg2

from pytest_resilience import CommitMarker, execute_with_rollback


def discharge(dsn, stay_id, when):
    """Close a stay and free its bed, both or neither, and know which of the two it was."""
    connection = psycopg2.connect(dsn)
    try:
        return execute_with_rollback(
            connection,
            [
                ("update stays set outtime = %s where stay_id = %s", (when, stay_id)),
                ("update beds set stay_id = null where stay_id = %s", (stay_id,)),
            ],
            marker=CommitMarker(name=f"discharge-{stay_id}", reconnect=lambda: psycopg2.connect(dsn)),
            timeout=30,
        )
    finally:
        connection.close()
