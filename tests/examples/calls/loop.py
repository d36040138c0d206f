from pytest_resilience import Retry

POLICY = Retry(max_retries=4, timeout=5)


def load_stay(connect, stay_id):
    """Load one stay; a broken connection is made anew."""
    for attempt in POLICY:
        with attempt, connect() as connection, connection.cursor() as cursor:
            cursor.execute("select los from raw.icustays where stay_id = %s", (stay_id,))
            row = cursor.fetchone()
    return row
