import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest import store


def directly(postgres, sql):
    """Around the proxy: no fault, and no trigger, meets it."""
    with psycopg2.connect(postgres.direct_dsn) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return [] if cursor.description is None else [value for (value,) in cursor.fetchall()]


def test_killed_at_a_commit(workload, postgres):
    ingest = workload("ingest")
    with postgres.at("COMMIT", nth=2).hang() as fault:
        ingest.start()
        while not fault.fired:
            pass
        ingest.kill()
    assert ingest.wait() == 128 + 9
    ingest.resume()
    assert ingest.wait() == 0
    assert directly(postgres, "select count(*) from stays") == [30]


@pytest.mark.parametrize("kind", ["cut", "reset"])
@pytest.mark.parametrize(("side", "kept"), [("request", []), ("reply", [7])])
def test_commit_lost(chaos, postgres, kind, side, kept):
    when = {"message": "COMMIT", "side": side}
    with chaos.inject("warehouse", kind, when=when), pytest.raises(psycopg2.OperationalError):
        store([7])
    assert directly(postgres, "select id from stays") == kept
    store([7])
    assert directly(postgres, "select id from stays") == [7]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stays=st.sets(st.integers(1, 99), min_size=1), message=st.sampled_from(["BEGIN", "INSERT", "COMMIT"]))
def test_all_or_none(postgres, stays, message):
    directly(postgres, "truncate stays")  # the fixture is made once, for all examples
    with postgres.at(message).cut(), pytest.raises(psycopg2.OperationalError):
        store(stays)
    assert directly(postgres, "select id from stays") == []
    store(stays)
    assert directly(postgres, "select id from stays order by id") == sorted(stays)
