import psycopg2

from pytest_resilience import Deadline, libpq_limits, limit_statements, remaining_time


def nightly_report(dsn):
    """Make the report within a minute, or fail by then."""
    with Deadline(60, operation="nightly report"):
        connection = psycopg2.connect(dsn, **libpq_limits())
        try:
            with connection, connection.cursor() as cursor:
                limit_statements(cursor)
                cursor.execute("select count(*) from raw.icustays")
                return cursor.fetchone()[0], remaining_time()
        finally:
            connection.close()
