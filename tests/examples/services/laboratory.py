import os

import psycopg2
import pytest
import requests


def latest_lactate(patient):
    """Stands for your code: it looks for the laboratory where it always does."""
    reply = requests.get(f"{os.environ['LABS_URL']}/lactate/{patient}", timeout=5)
    return float(reply.text) if reply.ok else f"laboratory says {reply.status_code}"


def test_laboratory_is_asked(http_service):
    assert os.environ["LABS_URL"] == http_service.url
    assert latest_lactate("A17") == 1.9


@pytest.mark.parametrize("status", [429, 503])
def test_laboratory_is_busy(service, status):
    with service("labs").at("GET /lactate/{id}").respond(status):
        assert latest_lactate("A17") == f"laboratory says {status}"


def test_database_has_its_schema(postgres):
    with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from raw.icustays")
        assert cursor.fetchone() == (0,)
