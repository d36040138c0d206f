"""Ingestion in parts: several connections, threads, processes or a cluster; still every row once."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from pytest_resilience import BusinessLogicError, FatalError, RetryableError, ingest_data_with_checkpoint

ROWS = 200


@pytest.fixture
def stays(write):
    """A file of 200 rows; some span two lines, one is wrong."""
    rows = [f'{n},"two\nlines"\n' if n % 7 == 0 else f"{n},MICU\n" for n in range(ROWS)]
    rows[150] = "wrong,MICU\n"
    return write("stay_id,unit\n" + "".join(rows))


@pytest.fixture
def threads():
    """An executor of threads."""
    with ThreadPoolExecutor(4) as executor:
        yield executor


@pytest.fixture
def ingest(database):
    """Ingest into the table, in small batches and four ranges."""

    def call(path, executor, **settings):
        defaults = {"dsn": database, "batch_size": 10, "partitions": 4}
        return ingest_data_with_checkpoint(path, "raw.stays", executor=executor, **defaults | settings)

    return call


def whole(table):
    """Tell whether every row of the file but the wrong one is in the table once."""
    return table("stay_id, unit") == [
        (n, "two\nlines" if n % 7 == 0 else "MICU") for n in range(ROWS) if n != 150
    ]


@pytest.mark.parametrize("partitions", [1, 2, 3, 4, 7, 100])
def test_every_row_arrives_once(partitions, stays, table, threads, ingest, rows):
    """However many ranges; the wrong row is named by its line, and no checkpoint is left."""
    result = ingest(stays, threads, partitions=partitions)

    assert (result.rows, result.rejected, result.resumed_from, result.batches) == (199, 1, 0, 20)
    assert whole(table)
    line = stays.read_text().splitlines().index("wrong,MICU") + 1
    assert rows("select line from raw.stays_rejects") == [(line,)]
    assert rows("select count(*) from resilience_checkpoints") == [(0,)]


def test_a_run_after_the_end_does_nothing_either_way(stays, table, threads, ingest):
    """The note of the end is the same, whichever way the file was ingested."""
    ingest(stays, threads)

    assert ingest(stays, threads).batches == 0
    assert ingest(stays, None).batches == 0
    os.utime(stays, (1, 1))
    assert ingest(stays, threads).batches == 0
    assert ingest(stays, threads, start_over=True, quality_threshold=0).rejected == ROWS


def trouble(rows, stay_id):
    """Have the database refuse a row in a way that is not the row's fault."""
    rows(
        "create or replace function trouble() returns trigger language plpgsql as"
        f" $$ begin if new.stay_id = {stay_id} then raise sqlstate '53200'; end if; return new; end $$;"
        " create or replace trigger trouble before insert on raw.stays for each row execute function trouble()"
    )


def test_after_a_failure_the_ranges_go_on_where_they_were(stays, table, threads, ingest, rows):
    """What is done stays done; the next run brings the rest, cut in the same places."""
    trouble(rows, 125)
    with pytest.raises(RetryableError):
        ingest(stays, threads)
    kept = len(table())
    rows("drop trigger trouble on raw.stays")

    result = ingest(stays, threads, partitions=9)

    assert (result.rows, result.rejected) == (199, 1)
    assert kept <= result.resumed_from < ROWS
    assert whole(table)


def test_the_two_ways_do_not_mix_in_one_run(stays, table, threads, ingest, rows):
    """An unfinished run is finished the way it was begun."""
    trouble(rows, 125)
    for begun, other, words in ((threads, None, "with executor="), (None, threads, "without executor=")):
        with pytest.raises(RetryableError):
            ingest(stays, begun, start_over=True)
        with pytest.raises(FatalError, match=words):
            ingest(stays, other)
        rows("truncate raw.stays")


def test_start_over_forgets_the_ranges(stays, table, threads, ingest, rows):
    """Nothing of an earlier plan is left."""
    trouble(rows, 125)
    with pytest.raises(RetryableError):
        ingest(stays, threads)
    rows("drop trigger trouble on raw.stays; truncate raw.stays")

    assert ingest(stays, threads, start_over=True, partitions=2).resumed_from == 0
    assert whole(table)
    assert rows("select count(*) from resilience_checkpoints") == [(0,)]


def test_a_source_that_changed_between_two_runs_is_refused(stays, table, threads, ingest, rows):
    """The plan belongs to the file that it was made for."""
    trouble(rows, 125)
    with pytest.raises(RetryableError):
        ingest(stays, threads)
    stays.write_text(stays.read_text().replace("3,MICU", "3,SICU", 1))

    with pytest.raises(FatalError, match="has changed since its ingestion in parts began"):
        ingest(stays, threads)


def test_the_quality_rule_is_for_the_whole_file(write, table, threads, ingest):
    """A bad range is forgiven if the file is good enough; if it is not, the end is not noted."""
    text = (
        "stay_id,unit\n" + "".join(f"x{n},MICU\n" for n in range(10)) + "".join(f"{n},M\n" for n in range(90))
    )
    path = write(text)

    with pytest.raises(BusinessLogicError):
        ingest(path, threads, quality_threshold=0.95)
    assert ingest(path, threads).rows == 90


def test_a_header_alone_is_an_empty_success(write, table, threads, ingest):
    """No range, no row, no error."""
    assert ingest(write("stay_id,unit\n"), threads).rows == 0


def test_what_cannot_be_cut_is_refused(stays, table, threads, connection, ingest, write):
    """A gzip file, a connection that workers cannot share, and no ranges at all."""
    with pytest.raises(FatalError, match="gzip"):
        ingest(write(gzip.compress(stays.read_bytes()), "stays.gz"), threads)
    with pytest.raises(FatalError, match="connection of its own"):
        ingest(stays, threads, connection=connection)
    with pytest.raises(ValueError, match="partitions"):
        ingest(stays, threads, partitions=0)


def test_killed_workers_lose_and_double_nothing(stays, table, proxied, held, ingest):
    """All workers are killed at a COPY; the next run, with new ones, finishes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["psycopg2", "pytest_resilience.runtime.ingestion.ingest"])

    def kill(_receipt):
        for pid in list(executor._processes):
            os.kill(pid, signal.SIGKILL)
        return "drop"

    held(kill, sql="^copy", nth=7)
    with (
        ProcessPoolExecutor(2, mp_context=context) as executor,
        pytest.raises(RetryableError, match="a worker died"),
    ):
        ingest(stays, executor, dsn=proxied.dsn)
    assert 0 < len(table()) < ROWS

    with ProcessPoolExecutor(2, mp_context=context) as executor:
        result = ingest(stays, executor)

    assert result.rows == 199
    assert whole(table)


@pytest.mark.filterwarnings("ignore")  # a cluster's own, at its start and end
def test_a_cluster_that_loses_a_worker_finishes_by_itself(stays, table, proxied, held, ingest):
    """On Dask a killed worker's ranges are given to another one, and every row is there once."""
    distributed = pytest.importorskip("distributed", reason="the development environment has it")
    pids = []

    def kill(_receipt):
        os.kill(pids[0], signal.SIGKILL)
        return "deliver"

    held(kill, sql="^copy", nth=7)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids += client.run(os.getpid).values()
        result = ingest(stays, client.get_executor(), dsn=proxied.dsn)
        assert pids[0] not in client.run(os.getpid).values()

    assert result.rows == 199
    assert whole(table)
