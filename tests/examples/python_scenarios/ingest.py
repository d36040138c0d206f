import os

import psycopg2


def store(stays):
    """Stands for your code: all of these stays or none, and whoever calls again doubles nothing."""
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    try:
        with connection.cursor() as cursor:
            for stay in stays:
                cursor.execute("insert into stays values (%s) on conflict do nothing", (stay,))
        connection.commit()
    finally:
        connection.close()


if __name__ == "__main__":
    for first in range(0, 30, 10):
        store(range(first, first + 10))
