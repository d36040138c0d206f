"""Items 3, 4 and 7 from states: what a cut, a kill and a rollback may leave behind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from seen_runs import clean, exchange, fault, log, notice, run

from pytest_resilience.chaos.configuration.model import Atomic, WorkloadDeclaration
from pytest_resilience.chaos.run.record import CallRecord, Message, ProcessRecord
from pytest_resilience.chaos.state.postgres import PostgresState, TableState
from pytest_resilience.chaos.state.registry import ModelState, RegistryState, VersionState
from pytest_resilience.checklist.judges import checkpoints, rollback, transactions
from pytest_resilience.checklist.judges.rollback import Undoing

JOB = WorkloadDeclaration(name="ingest", shape="job", uses=("labs",), resume="rerun", major_operation=True)
ONCE = replace(JOB, resume="none")
SERVER = WorkloadDeclaration(name="api", shape="server", uses=("labs",))
ATOMIC = (Atomic(service="labs", sql="select true"),)


def statement(at, tag, *, connection=1, ends=True):
    """Yield a statement that writes, and the end of its transaction."""
    for offset, side, message, shape, transaction in (
        (0, "request", "Query", f"{tag.lower()} into t values (?)", "T"),
        (0.001, "reply", "CommandComplete", tag, "T"),
        (0.002, "reply", "ReadyForQuery", None, "I" if ends else "T"),
    ):
        yield Message(
            at=at + offset, service="labs", connection=connection, side=side, message=message, shape=shape,
            transaction=transaction,
        )  # fmt: skip


def writes(count, *, batch=1, began=0.5):
    """Return so many INSERTs, `batch` in each transaction."""
    return [notice(began, "connected")] + [
        message
        for number in range(count)
        for message in statement(began + number / 100, "INSERT", ends=(number + 1) % batch == 0)
    ]


def undisturbed(count=4, *, batch=2, boundaries=("none", "half", "all")):
    """Return the clean run of a job that writes in batches."""
    seen = clean(writes(count, batch=batch))
    return replace(seen, boundaries={"labs": boundaries}, states={"labs": boundaries[-1]})


def undisturbed_by(messages):
    """Return the clean run of a job that has asked this."""
    return replace(clean(messages), boundaries={"labs": ("none", "all")}, states={"labs": "all"})


def cut(after, *, between=None, exit_code=0, order=None, messages=None, starts=2, **more):
    """Return a run that was cut, and ended with these tables."""
    seen = run(
        writes(4, batch=2) if messages is None else messages,
        exit_code=exit_code,
        faults=[order or fault("cut")],
    )
    processes = seen.processes if between is None else seen.processes * starts
    states_between = () if between is None else ({"labs": between},)
    return replace(seen, processes=processes, states={"labs": after}, states_between=states_between, **more)


def transaction(seen, workload=JOB, reference=None):
    """Judge a cut."""
    return transactions.judge(seen, clean=reference or undisturbed(), workload=workload, service="labs")


@pytest.mark.parametrize("between", ["none", "half", "all"])
def test_a_commit_boundary_and_then_the_end_pass(between):
    """After the cut as at some commit, after the recovery as undisturbed."""
    assert transaction(cut("all", between=between)).outcome == "passed"


@pytest.mark.parametrize(
    ("seen", "workload", "why"),
    [
        (cut("all", between="torn"), JOB, "as at no commit"),
        (cut("doubled", between="all", exit_code=1), JOB, "after 1 restart"),
        (cut("doubled", between="all"), JOB, "success was reported"),
        (cut("none"), ONCE, "success was reported"),
        (cut("half", exit_code=1), ONCE, "neither as before nor as after"),
        (cut("none", exit_code=1, order=fault("error", sqlstate="40001")), ONCE, "serialization failure"),
        (cut("all", between="half", violations=("not true at 1 s: select 1",)), JOB, "`atomic`"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_states_fail(seen, workload, why):
    """Torn, doubled, lost, half, not run again, an atomic statement broken."""
    found = transaction(seen, workload)

    assert (found.outcome, why in found.why, bool(found.fix)) == ("failed", True, True)


@pytest.mark.parametrize(
    ("rows", "fix"),
    [(((1, 1),), "save how far it is in the same transaction"), (((1, 1), (2, 2), (3, 2)), "ON CONFLICT")],
)
def test_the_fix_fits_rows_that_are_lost_and_rows_that_are_doubled(rows, fix):
    """No unique key brings back what was left out."""
    before, end, after = (_table(some) for some in ((), ((1, 1), (2, 2)), rows))
    found = transaction(cut(after), ONCE, undisturbed(boundaries=(before, end)))

    assert (found.outcome, fix in found.fix) == ("failed", True), (found.why, found.fix)


@pytest.mark.parametrize(("rows", "atomic"), [(((1, 1), (2, 2)), ()), (((1, 1),), ATOMIC)])
def test_rows_of_a_server_are_known_or_declared(rows, atomic):
    """As at a commit of the undisturbed run; or a statement about them held throughout."""
    before, end = _table(()), _table(((1, 1), (2, 2)))
    found = transaction(
        cut(_table(rows)), replace(SERVER, atomic=atomic), undisturbed(boundaries=(before, end))
    )

    assert found.outcome == "passed"


def test_other_rows_of_a_server_prove_nothing():
    """Nobody knows how many requests it got; what is other is told all the same."""
    before, end = _table(()), _table(((1, 1), (2, 2)))
    found = transaction(cut(_table(((1, 1),))), SERVER, undisturbed(boundaries=(before, end)))

    assert (found.outcome, "atomic" in found.fix) == ("unproven", True)
    assert "the nearest differs so: public.t: 1 row" in found.why, found.why
    assert found.why.endswith("how many requests a server gets differs from run to run")


def answered(*outcomes, rows):
    """Return a run of calls that ended so, and left so many rows."""
    calls = tuple(
        CallRecord(number=number, began=float(number), ended=number + 0.5, outcome=outcome)
        for number, outcome in enumerate(outcomes, 1)
    )
    table = _table(tuple((number, number) for number in range(rows)))
    return cut(table, messages=[], calls=calls), table


def counted(seen, *, clean_rows=4):
    """Judge a run of a server that makes four calls undisturbed."""
    reference, end = answered("201", "201", "201", "201", rows=clean_rows)
    reference = replace(reference, faults=(), boundaries={"labs": (_table(()), end)}, states={"labs": end})
    reference = replace(reference, messages=tuple(writes(4, batch=2, began=1.0)))
    return transaction(seen, replace(SERVER, atomic=ATOMIC), reference)


@pytest.mark.parametrize(
    ("outcomes", "rows", "outcome", "why"),
    [
        (("201", "503", "201"), 2, "passed", ""),
        (("201", "503", "201"), 3, "passed", ""),
        (("201", "202", "201"), 2, "passed", ""),
        (("201", "503", "201"), 1, "failed", "2 calls succeeded, and 1 row of theirs in public.t lost"),
        (("201", "503", "201"), 4, "failed", "3 calls were made, and 1 row too many in public.t: doubled"),
    ],
)
def test_rows_of_answered_calls_are_counted(outcomes, rows, outcome, why):
    """One that succeeded has its row, one that failed or promises it for later may have it, and nobody has two."""
    found = counted(answered(*outcomes, rows=rows)[0])

    assert (found.outcome, found.why) == (outcome, why)


def test_rows_are_not_counted_where_calls_leave_different_numbers():
    """An upsert, or rows that a part of the calls writes."""
    assert counted(answered("201", "503", "201", rows=1)[0], clean_rows=3).outcome == "passed"
    assert counted(answered("201", "503", "201", rows=1)[0], clean_rows=0).outcome == "passed"


def test_rows_that_are_lost_after_a_warning_are_for_people_to_decide():
    """It may be meant: a prediction that is given although it cannot be kept."""
    seen = replace(answered("201", "503", "201", rows=1)[0], logs=(log(1.5, "WARNING not kept"),))

    assert (counted(seen).outcome, "waiver" in counted(seen).fix) == ("unproven", True)


def test_doubled_rows_are_told_before_the_statement_that_they_break():
    """One transaction, done twice, needs no other transaction."""
    found = transaction(cut("doubled", between="all", violations=("not true at 1 s: select 1",)))

    assert found.outcome == "failed"
    assert found.why.startswith("success was reported, but")
    assert found.why.endswith("an `atomic` statement was not true at 1 s: select 1")
    assert "one transaction" not in found.fix


def _table(rows):
    table = TableState(count=len(rows), checksum=str(rows), has_key=True, rows=rows)
    return PostgresState(schema={}, tables={"public.t": table})


@pytest.mark.parametrize(
    ("asked", "outcome"), [("COMMIT", "unproven"), ("end;", "unproven"), ("ROLLBACK", "passed")]
)
def test_a_commit_that_undisturbed_ends_in_a_rollback_proves_nothing(asked, outcome):
    """What is not stored cannot be torn; that somebody rolls back is right."""
    ends = [
        Message(at=0.6, service="labs", connection=1, side="request", message="Query", shape=asked),
        Message(
            at=0.6, service="labs", connection=1, side="reply", message="CommandComplete", shape="ROLLBACK"
        ),
    ]
    reference = undisturbed()
    reference = replace(reference, messages=(*reference.messages, *ends))

    assert transaction(cut("all"), reference=reference).outcome == outcome


@pytest.mark.parametrize("after", ["none", "all"])
def test_without_resume_before_and_after_pass(after):
    """Nobody starts it again: all or nothing is right."""
    assert transaction(cut(after, exit_code=1), ONCE).outcome == "passed"


def test_one_statement_needs_no_transaction():
    """A single write is one by itself."""
    one = undisturbed(1, batch=1, boundaries=("none", "all"))

    assert transaction(cut("none", exit_code=1), ONCE, one).outcome == "not-applicable"


@pytest.mark.parametrize(
    "seen",
    [cut("all", order=fault(fired=False)), replace(cut("all"), states={})],
    ids=["unfired", "unread"],
)
def test_nothing_passes_vacuously(seen):
    """No receipt or no state, no verdict, for tables and for checkpoints."""
    assert transaction(seen).outcome == "unproven"
    assert kill(seen).outcome == "unproven"


def kill(seen, workload=JOB, reference=None):
    """Judge a kill."""
    return checkpoints.judge_kill(seen, clean=reference or undisturbed(), workload=workload, service="labs")


def killed(after="all", *, total, **more):
    """Return a run that was killed and started again, and sent so many statements altogether."""
    return cut(after, between="half", messages=writes(total, batch=2), **more)


@pytest.mark.parametrize("total", [4, 5, 6])
def test_one_batch_may_be_sent_again(total):
    """The batch that was under way is redone."""
    assert kill(killed(total=total)).outcome == "passed"


@pytest.mark.parametrize(("again", "outcome"), [(3, "passed"), (5, "passed"), (6, "failed")])
def test_a_quarter_of_requests_may_be_sent_again(again, outcome):
    """They have no batches: one call of a library is many requests, and nobody can go on in the middle of it."""

    def asked(count):
        return [m for number in range(count) for m in exchange(number / 10, number, method="POST")]

    found = kill(cut("all", between="half", messages=asked(20 + again)), reference=undisturbed_by(asked(20)))

    assert found.outcome == outcome
    assert outcome == "passed" or "30 % of all was sent again (6 requests)" in found.why


def test_what_the_kill_broke_off_was_not_done():
    """Claimed, begun, and a line of each start in a table: none of it is a batch done again."""
    broken_off = [m for m in writes(4, batch=4) if m.message != "ReadyForQuery"]
    seen = killed(total=5)

    assert kill(replace(seen, messages=(*seen.messages, *broken_off))).outcome == "passed"


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (killed(total=8), "begins from zero"),
        (killed("lost", total=4), "ends otherwise"),
        (killed(total=4, exit_code=1), "status 1"),
    ],
)
def test_other_restarts_fail(seen, why):
    """From zero, with other rows, or not at all."""
    assert (kill(seen).outcome, why in kill(seen).why) == ("failed", True)


def test_checkpoints_are_asked_of_major_operations_in_batches():
    """Neither of a minor operation, nor of a single transaction."""
    assert kill(killed(total=4), replace(JOB, major_operation=False)).outcome == "not-applicable"
    assert kill(killed(total=4), reference=undisturbed(4, batch=4)).outcome == "not-applicable"


def test_a_job_that_is_not_started_again_proves_nothing():
    """Without a restart nothing is resumed."""
    assert kill(cut("all")).outcome == "unproven"


@pytest.mark.parametrize(
    ("after", "exit_code", "stderr", "outcome"),
    [
        ("all", 0, "checkpoint damaged, the previous one is used", "passed"),
        ("half", 3, "checkpoint damaged", "passed"),
        ("half", 0, "", "failed"),
        ("doubled", 0, "", "failed"),
        ("half", 3, "", "failed"),
    ],
)
def test_damaged_checkpoints_are_noticed(after, exit_code, stderr, outcome):
    """Trusted in silence fails; the previous one, or a stop with words, passes."""
    seen = killed(after, total=4, exit_code=exit_code)
    seen = replace(seen, processes=tuple(replace(one, stderr=stderr) for one in seen.processes))
    found = checkpoints.judge_damaged(
        seen, clean=undisturbed(), workload=JOB, service="labs", name="ingest.json"
    )

    assert found.outcome == outcome


UNDO = replace(JOB, rollback=("undo",), snapshot=("labs",))
DONE = ProcessRecord(began=0, ended=1, exit_code=0)
CRASH = ProcessRecord(began=0, ended=1, exit_code=1, stderr="Traceback\nOSError: labs is down")


def undoing(**changed):
    """Return a rollback that does its work."""
    facts = {
        "step": "step 2 of 3", "before": {"labs": "old"}, "changed": {"labs": "half"}, "undone": {"labs": "old"},
        "undone_twice": {"labs": "old"}, "complete": {"labs": "new"}, "forward": {"labs": "new"},
        "rollback": DONE, "second": DONE,
    }  # fmt: skip
    return Undoing(**(facts | changed))


def test_a_rollback_that_restores_passes():
    """The snapshot is back, twice does no harm, forward works."""
    assert rollback.judge(undoing(), workload=UNDO).outcome == "passed"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"undone": {"labs": "half"}}, "changed nothing"),
        ({"undone": {"labs": "odd"}}, "the state differs"),
        ({"rollback": CRASH}, "status 1 (OSError: labs is down)"),
        ({"second": CRASH}, "second time"),
        ({"undone_twice": {"labs": "older"}}, "second time"),
        ({"forward": {"labs": "half"}}, "made again"),
    ],
)
def test_other_rollbacks_fail(changed, why):
    """Empty, incomplete, crashing, harmful twice, no way forward."""
    found = rollback.judge(undoing(**changed), workload=UNDO)

    assert (found.outcome, why in found.why, bool(found.fix)) == ("failed", True, True)


def test_a_rollback_that_may_empty_tables_is_told_so():
    """What is empty before cannot tell it from one that takes back the change's own rows; a row of others can."""
    warned = {}
    for others in (0, 1):
        before, after = (
            {"labs": PostgresState(schema={}, tables={"stays": TableState(count=rows, checksum=str(rows))})}
            for rows in (others, others + 2)
        )
        states = dict.fromkeys(("before", "undone", "undone_twice"), before)
        states |= dict.fromkeys(("changed", "complete", "forward"), after)
        found = rollback.judge(undoing(**states), workload=UNDO)
        assert found.outcome == "passed"
        warned[others] = found.warnings

    assert [warning[:31] for warning in warned[0]] == ["stays was empty before the chan"]
    assert warned[1] == ()


@pytest.mark.parametrize(
    ("before", "undone", "fix"), [(1, 0, "and nothing else"), (0, 1, "take back everything")]
)
def test_what_to_do_fits_what_is_wrong(before, undone, fix):
    """Rows of others are gone; rows of its own are left."""
    states = [
        {
            "labs": PostgresState(
                schema={}, tables={"stays": TableState(count=n, checksum=str(n), rows=((n, n),) * n)}
            )
        }
        for n in (before, undone, 2)
    ]
    found = rollback.judge(
        undoing(before=states[0], undone=states[1], changed=states[2], complete=states[2]), workload=UNDO
    )

    assert (found.outcome, fix in found.fix) == ("failed", True), found


def registry(champion, *versions, stage="None"):
    """Return a registry with these versions, of which one is in charge, and the newest in a stage."""
    states = {
        number: VersionState(
            stage=stage if number == versions[-1] else "None",
            status="READY",
            aliases=("champion",) if number == champion else (),
        )
        for number in versions
    }
    aliases = {"champion": champion} if champion else {}
    return {"labs": RegistryState(models={"risk": ModelState(versions=states, aliases=aliases)})}


@pytest.mark.parametrize(
    "undone", [registry("2", "1", "2", "3"), registry("", "1"), registry("1", "1", "2", stage="Staging")]
)
def test_what_to_do_about_a_registry_is_about_what_serves(undone):
    """There are no rows in it."""
    changed = registry("2", "1", "2")
    found = rollback.judge(
        undoing(before=registry("1", "1"), changed=changed, complete=changed, undone=undone), workload=UNDO
    )

    assert (found.outcome, "aliases and stages" in found.fix) == ("failed", True), found


@pytest.mark.parametrize(
    ("undone", "forward", "complete", "outcome"),
    [
        (registry("1", "1", "2"), registry("2", "1", "2"), registry("2", "1", "2"), "passed"),
        (registry("1", "1", "2"), registry("3", "1", "2", "3"), registry("2", "1", "2"), "passed"),
        (
            registry("1", "1", "2", stage="Archived"),
            registry("2", "1", "2"),
            registry("2", "1", "2"),
            "passed",
        ),
        (
            registry("1", "1", "2", stage="Staging"),
            registry("2", "1", "2"),
            registry("2", "1", "2"),
            "failed",
        ),
        (registry("", "1", "2"), registry("2", "1", "2"), registry("2", "1", "2"), "failed"),
        (registry("2", "1", "2"), registry("2", "1", "2"), registry("2", "1", "2"), "failed"),
        (registry("1", "1", "2"), registry("1", "1", "2", "3"), registry("2", "1", "2"), "failed"),
        (registry("1", "1", "2"), registry("1", "1", "2"), registry("1", "1", "2"), "failed"),
    ],
)
def test_a_version_that_nobody_is_sent_to_may_stay_registered(undone, forward, complete, outcome):
    """Unless it is all that the change was for: a registry is as before where its aliases and stages are."""
    found = rollback.judge(
        undoing(
            before=registry("1", "1"), changed=complete, complete=complete, undone=undone, undone_twice=undone,
            forward=forward,
        ),
        workload=UNDO,
    )  # fmt: skip

    assert found.outcome == outcome, found.why
    assert ["version 2 of risk stays registered" in told for told in found.warnings] == [True] * (
        outcome == "passed"
    )


@pytest.mark.parametrize(
    ("runs", "outcome", "warned"),
    [
        ({"risk: FINISHED": 2}, "passed", False),
        ({"risk: FINISHED": 1, "risk: FAILED": 1}, "passed", False),
        ({"risk: FINISHED": 1, "risk: RUNNING": 1}, "passed", True),
        ({}, "failed", False),
    ],
)
def test_runs_are_the_record_of_what_was_done(runs, outcome, warned):
    """The one that trained a version may stay as the version may; one that was there before may not go."""

    def with_runs(states, **counts):
        return {"labs": replace(states["labs"], runs={**counts})}

    before = with_runs(registry("1", "1"), **{"risk: FINISHED": 1})
    complete = with_runs(registry("2", "1", "2"), **{"risk: FINISHED": 2})
    undone = with_runs(registry("1", "1", "2"), **runs)
    found = rollback.judge(
        undoing(
            before=before, changed=complete, complete=complete, undone=undone, undone_twice=undone,
            forward=with_runs(registry("3", "1", "2", "3"), **{"risk: FINISHED": 3}),
        ),
        workload=UNDO,
    )  # fmt: skip

    assert found.outcome == outcome, found.why
    assert any("left RUNNING" in told for told in found.warnings) == warned


def test_rollback_without_proof_or_need():
    """Nothing changed is not asked; no rollback declared, or nothing broken off, is unproven."""
    assert rollback.judge(undoing(), workload=JOB).outcome == "unproven"
    assert rollback.judge(undoing(complete={"labs": "old"}), workload=UNDO).outcome == "not-applicable"
    assert rollback.judge(undoing(fired=False), workload=UNDO).outcome == "unproven"
    assert rollback.judge(None, workload=UNDO, changes=True).outcome == "unproven"


def test_exchanges_without_writes_have_no_transactions():
    """A service that is only read from is not asked."""
    reads = replace(clean(exchange(0.5)), boundaries={"labs": ("none",)}, states={"labs": "none"})

    assert transaction(cut("none"), reference=reads).outcome == "not-applicable"
