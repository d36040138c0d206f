import psycopg2
import pytest


def test_commit_reply_lost(postgres):
    with psycopg2.connect(postgres.direct_dsn) as setup:
        setup.cursor().execute("create table stays (id int primary key)")
    connection = psycopg2.connect(postgres.dsn)
    connection.cursor().execute("insert into stays values (1)")
    with postgres.at("COMMIT", side="reply").cut(), pytest.raises(psycopg2.OperationalError):
        connection.commit()
    with psycopg2.connect(postgres.direct_dsn) as looking, looking.cursor() as cursor:
        cursor.execute("select count(*) from stays")
        assert cursor.fetchone() == (1,)  # it failed for the client, and is there
