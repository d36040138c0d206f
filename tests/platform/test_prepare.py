"""The model's input is replaced as a whole or not at all."""

from __future__ import annotations

import pytest

from icu_platform import DataIngestionAgent
from icu_platform.data import write_icu_stays
from icu_platform.prepare import prepare
from pytest_resilience import FatalError

COUNT = "select count(*) from analytics.ml_input_master"


@pytest.fixture
def stays(database, tmp_path):
    """Twenty stays in the database."""
    source = write_icu_stays(tmp_path / "stays.csv", 20)
    agent = DataIngestionAgent(database.direct_dsn)
    assert agent.execute({"source_file": str(source), "target_table": "raw.icustays"}).is_success()


@pytest.mark.usefixtures("stays")
def test_every_stay_gets_a_row(database, ask):
    """Done twice it is the same."""
    prepare(database.dsn)
    prepare(database.dsn)

    assert ask(COUNT) == [(20,)]
    assert ask("select count(*) from analytics.ml_input_master where prolonged <> (los > 7)") == [(0,)]


@pytest.mark.usefixtures("stays")
def test_undo_empties_the_table(database, ask):
    """Undone twice it is the same."""
    prepare(database.dsn)
    prepare(database.dsn, undo=True)
    prepare(database.dsn, undo=True)

    assert ask(COUNT) == [(0,)]


@pytest.mark.usefixtures("stays")
@pytest.mark.parametrize("side", ["request", "reply"])
@pytest.mark.parametrize("message", ["DELETE", "INSERT", "COMMIT"])
def test_a_lost_connection_is_recovered_from(message, side, database, ask):
    """Wherever the connection breaks, the next try has the whole table."""
    prepare(database.direct_dsn)
    with database.at(message, side=side).cut() as fault:
        prepare(database.dsn, base_delay=0.01)

    assert fault.fired
    assert ask(COUNT) == [(20,)]


def test_a_missing_table_is_not_tried_again(database, ask):
    """It is an error at once, and names the operation."""
    ask("drop table analytics.ml_input_master")

    with pytest.raises(FatalError, match="Preparing the model's input"):
        prepare(database.dsn, base_delay=1_000)
