"""Item 4 on small jobs: each mistake with positions is found by a kill or by damage, and sound ones pass."""

from __future__ import annotations

import pytest
from small_jobs import KEYED, SCHEMA, Job, said

from pytest_resilience.checklist.experiments import checkpoints_files
from pytest_resilience.checklist.experiments.checkpoints import kills
from pytest_resilience.checklist.experiments.checkpoints_damage import flipped
from pytest_resilience.checklist.experiments.checkpoints_files import sampled

LOAD = """
    import json, os, pathlib, sys, zlib, psycopg2

    MODE = sys.argv[1]
    FILE = pathlib.Path("state", "position.json")
    connection = psycopg2.connect(os.environ["DATABASE_URL"])

    def save(done):
        FILE.parent.mkdir(exist_ok=True)
        new = FILE.with_suffix(".new")
        with new.open("w") as stream:
            json.dump({"done": done, "sum": zlib.crc32(str(done).encode())}, stream)
            stream.flush()
            if MODE != "unsynced":
                os.fsync(stream.fileno())
        new.replace(FILE)

    def read():
        if not FILE.exists():
            return 0
        try:
            saved = json.loads(FILE.read_text())
            if MODE != "trusting" and zlib.crc32(str(saved["done"]).encode()) != saved["sum"]:
                raise ValueError("its checksum is wrong")
            return saved["done"]
        except ValueError as error:
            print(f"WARNING {FILE} is damaged, beginning at the table's end: {error}", file=sys.stderr)
            cursor.execute("select max(n) + 1 from rows")
            return cursor.fetchone()[0]

    def batch(start):
        for n in range(start, start + 2):
            cursor.execute(f"insert into rows values ({n})" + (" on conflict do nothing" if MODE != "table" else ""))

    with connection.cursor() as cursor:
        if MODE == "table":
            cursor.execute("select done from position")
            done = cursor.fetchone()[0]
        else:
            done = 0 if MODE == "zero" else read()
        for start in range(done, 6, 2):
            batch(start)
            if MODE == "table":
                cursor.execute(f"update position set done = {start + 2}")
            if MODE == "before":
                save(start + 2)
            connection.commit()
            if MODE in {"file", "trusting", "removing", "unsynced"}:
                save(start + 2)
        if MODE == "removing":
            FILE.unlink()
"""
MAJOR = 'major_operation = true\nresume = "rerun"'


@pytest.fixture
def job(pool, tmp_path):
    """Make a job that does one thing wrong."""

    def make(mode, more=MAJOR):
        return Job(pool, tmp_path, LOAD, mode=mode, more=more, schema=SCHEMA if mode == "table" else KEYED)

    return make


@pytest.fixture
def few_kills(monkeypatch):
    """Kill at some steps on files alone."""
    monkeypatch.setattr(checkpoints_files, "MOST_KILLS", 8)


def test_a_position_beside_the_rows_passes(job) -> None:
    """Killed once, and twice; it writes no file."""
    with job("table") as sound:
        made = sound.experiments(kills)
        once = sound.probe("COMMIT-3-request-kill").run()
        twice = made["warehouse::COMMIT-2-request-kill-twice"].run()
        files = made["warehouse::files"].run()

    assert said(once) == ("passed", {("checkpoints", "passed")}), once.why
    assert said(twice) == ("passed", {("checkpoints", "passed")}), twice.why
    assert sum(process.killed for process in twice.record.processes) == 2
    assert files.outcome == "not-applicable"


def test_from_zero_again_fails(job) -> None:
    """The rows are right, for the keys are unique; but all were sent again."""
    with job("zero") as fragile:
        result = fragile.probe("COMMIT-3-request-kill").run()

    assert (result.outcome, "begins from zero" in result.why) == ("failed", True)


def test_a_file_that_is_saved_after_its_rows_passes(job, few_kills) -> None:
    """Killed around its steps, and damaged."""
    with job("file") as sound:
        made = sound.experiments(kills)
        files, damaged = made["warehouse::files"].run(), made["warehouse::damaged"].run()

    assert (files.outcome, len(files.evidence)) == ("passed", 8), files.why
    assert (damaged.outcome, len(damaged.evidence)) == ("passed", 4), damaged.why


def test_a_file_that_is_removed_when_all_is_done_passes(job, few_kills) -> None:
    """Killed after that, it has nothing to resume: what comes then is a new run, and a warning."""
    with job("removing") as sound:
        result = sound.experiments(kills)["warehouse::files"].run()

    assert (result.outcome, len(result.evidence)) == ("passed", 8), result.why
    assert ["a file was removed" in str(each.warnings) for each in result.evidence] == [False] * 7 + [True]


@pytest.mark.parametrize(("mode", "told"), [("file", 0), ("unsynced", 1)])
def test_a_file_that_is_renamed_before_it_is_on_disk_gets_a_warning(job, monkeypatch, mode, told) -> None:
    """No kill loses what the system has not written yet: only a loss of power does."""
    monkeypatch.setattr(checkpoints_files, "MOST_KILLS", 2)
    with job(mode) as one:
        result = one.experiments(kills)["warehouse::files"].run()

    assert result.outcome == "passed", result.why
    assert str([each.warnings for each in result.evidence]).count("renamed without an fsync") == told


def test_a_file_that_is_saved_before_its_rows_fails(job, few_kills) -> None:
    """Killed between the two, it skips rows."""
    with job("before") as fragile:
        result = fragile.experiments(kills)["warehouse::files"].run()

    assert (result.outcome, "4 rows, expected" in result.why or "lost" in result.why) == ("failed", True)
    assert "position" in result.why


def test_a_damaged_file_that_is_trusted_fails(job) -> None:
    """Its numbers still read well."""
    with job("trusting") as fragile:
        result = fragile.experiments(kills)["warehouse::damaged"].run()

    assert (result.outcome, "state/position.json with flipped bits" in result.why) == ("failed", True)
    assert "trusted" in result.why


@pytest.mark.parametrize(
    ("more", "outcome", "why"),
    [
        ('resume = "rerun"', "not-applicable", "not declared as a major operation"),
        ("major_operation = true", "unproven", "nobody starts it again"),
    ],
)
def test_not_everything_is_asked(job, more, outcome, why) -> None:
    """Small operations are not; what is never started again proves nothing, and its kills are about transactions."""
    with job("table", more) as one:
        (result,) = [each.run() for each in one.experiments(kills).values()]

        assert (result.outcome, why in result.why) == (outcome, True)
        assert one.probe("COMMIT-2-request-kill").item == "transactions"


def test_one_transaction_has_nothing_to_resume(pool, tmp_path) -> None:
    """It is there, or it is not."""
    code = LOAD.replace("            connection.commit()\n", "").replace(
        "with connection.cursor() as cursor:", "with connection, connection.cursor() as cursor:"
    )
    with Job(pool, tmp_path, code, mode="table", more=MAJOR) as one:
        (result,) = [each.run() for each in one.experiments(kills).values()]

    assert (result.outcome, "one transaction" in result.why) == ("not-applicable", True)


BILLING = """
    import http.server, sys

    class Billing(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Billing).serve_forever()
"""
SEND = """
    import os, pathlib, sys, urllib.request, zlib

    MODE = sys.argv[1]
    FILE = pathlib.Path("position")

    def save(done):
        new = FILE.with_suffix(".new")
        new.write_text(f"{done:02} {zlib.crc32(str(done).encode())}")
        new.replace(FILE)

    def read():
        if not FILE.exists():
            return 0
        done, check = (FILE.read_text().split() + ["", ""])[:2]
        if MODE != "trusting" and (not done.isdigit() or check != str(zlib.crc32(str(int(done)).encode()))):
            sys.exit(f"WARNING {FILE} is damaged, look into the invoices, and write the number of the last one to it")
        return int(done or 0)

    for n in range(0 if MODE == "zero" else read(), 5):
        if MODE == "before":
            save(n + 1)
        body = f"invoice {n}".encode()
        key = {"Idempotency-Key": f"invoice-{n}"}
        request = urllib.request.Request(os.environ["LABS_URL"] + "/invoices", body, key, method="POST")
        urllib.request.urlopen(request, timeout=2).close()
        if MODE != "before":
            save(n + 1)
"""


@pytest.mark.parametrize(
    ("mode", "failing", "why"),
    [
        ("sound", set(), ""),
        ("before", {"kill", "files"}, "labs never got 1 of the 5 POST /invoices"),
        ("zero", {"kill", "after", "twice", "files", "damaged"}, "begins from zero"),
        (
            "trusting",
            {"damaged"},
            "the damaged checkpoint was trusted: success was reported, but labs never got",
        ),
    ],
)
def test_what_a_web_service_got_is_a_checkpoints_proof_too(
    pool, tmp_path, few_kills, mode, failing, why
) -> None:
    """Where there are no rows, the requests are counted, those of one idempotency key once."""
    with Job(pool, tmp_path, SEND, mode=mode, more=MAJOR, uses='["labs"]', labs=BILLING) as job:
        made = job.experiments(kills)
        results = {
            "kill": job.probe("POST-invoices-3-request-kill").run(),
            "after": job.probe("POST-invoices-3-reply-kill").run(),
            "twice": made["labs::POST-invoices-3-reply-kill-twice"].run(),
            "files": made["labs::files"].run(),
            "damaged": made["labs::damaged"].run(),
        }

    assert {name for name, result in results.items() if result.outcome == "failed"} == failing
    assert all(why in results[name].why for name in failing)
    assert {result.outcome for result in results.values()} <= {"passed", "failed"}


RELAY = """
    import os, sys, urllib.error, urllib.request, psycopg2

    MODE = sys.argv[1]
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    failed = 0
    with connection.cursor() as cursor:
        cursor.execute("insert into rows select generate_series(1, 3) on conflict do nothing")
        connection.commit()
        cursor.execute("select n from rows where n > (select done from position) order by n")
        for (n,) in cursor.fetchall():
            request = urllib.request.Request(
                os.environ["LABS_URL"] + "/invoices", b"invoice", {"Idempotency-Key": f"invoice-{n}"}, method="POST"
            )
            try:
                urllib.request.urlopen(request, timeout=2).close()
            except OSError as error:
                print(f"ERROR POST /invoices of invoice-{n} failed on labs ({error}), run it again", file=sys.stderr)
                failed += 1
                refused = isinstance(error, urllib.error.HTTPError)
                if MODE == "sound" or (MODE == "drops refused" and not refused):
                    break
            cursor.execute("update position set done = %s", (n,))
            connection.commit()
    sys.exit(failed and MODE == "sound")
"""


@pytest.mark.parametrize(
    ("mode", "failing"),
    [
        ("sound", set()),
        ("drops refused", {"refused-for-good"}),
        ("drops", {"refused-for-good", "lost-for-good"}),
    ],
)
def test_what_is_given_up_is_left_to_the_next_start(pool, tmp_path, mode, failing) -> None:
    """That it was logged brings no invoice back."""
    services = '["warehouse", "labs"]'
    with Job(pool, tmp_path, RELAY, mode=mode, more=MAJOR, schema=KEYED, uses=services, labs=BILLING) as job:
        made = job.experiments(kills)
        results = {name: made[f"labs::{name}"].run() for name in ("refused-for-good", "lost-for-good")}

    assert {name for name, result in results.items() if result.outcome == "failed"} == failing, results
    assert all("labs never got 2 of the 3 POST /invoices" in results[name].why for name in failing)


def test_flipped_bits_make_numbers_larger_and_keep_texts_readable() -> None:
    """A parser takes them."""
    assert flipped(b'{"done": 20}') == b'{"done": 31}'
    assert flipped(b'{"done": 7}') == b'{"done": 6}'
    assert flipped(b"abc") == b"acc"


def test_of_many_steps_each_kind_is_tried_first_and_last() -> None:
    """So that no kind is missed."""
    kinds = ["write", "rename"] * 100 + ["unlink"]
    taken = sampled(kinds, 10)

    assert {kinds[number] for number in taken} == set(kinds)
    assert (taken[0], taken[-1], len(taken) <= 10) == (0, 200, True)
    assert sampled(kinds[:7], 10) == [0, 1, 2, 3, 4, 5, 6]
