import psycopg2
import pytest

from pytest_resilience.fixtures import PostgresHandle


def test_commit_reply_lost(postgres: PostgresHandle) -> None:
    connection = psycopg2.connect(postgres.dsn)
    connection.cursor().execute("create table stays (id int primary key)")
    with postgres.at("COMMIT", side="reply").cut() as fault, pytest.raises(psycopg2.OperationalError):
        connection.commit()
    assert [receipt.message for receipt in fault.receipts] == ["COMMIT"]
