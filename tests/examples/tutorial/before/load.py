import csv
import os

import psycopg2

connection = psycopg2.connect(os.environ["DATABASE_URL"])
with open("stays.csv", newline="") as file:
    for row in csv.DictReader(file):
        with connection, connection.cursor() as cursor:
            cursor.execute("insert into stays values (%(stay_id)s, %(unit)s, %(los)s)", row)
