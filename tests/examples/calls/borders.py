from pytest_resilience import translated_errors


def read_stays(connection):
    """Read all stays; what psycopg2 raises becomes an error of ours, without the data it quotes."""
    with translated_errors("reading raw.icustays"), connection.cursor() as cursor:
        cursor.execute("select * from raw.icustays")
        return cursor.fetchall()
