"""The outbox keeps what it accepted, lets two work on it, and counts everything."""

import sqlite3
import threading

import pytest

from pytest_resilience.runtime.alerting.deliveries import LEASE, MAX_ATTEMPTS, Deliveries
from pytest_resilience.runtime.alerting.outbox import Outbox


@pytest.fixture
def outbox(tmp_path):
    """An outbox of this test alone."""
    opened = Outbox(tmp_path / "new" / "outbox.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def slack(outbox, clock):
    """The deliveries of Slack."""
    return Deliveries(outbox, "slack", clock=clock)


def messages(deliveries, count):
    """Claim so many, one after another, and return their messages."""
    return [deliveries.claim().alert.message for _ in range(count)]


class TestStore:
    """What is added."""

    def test_an_alert_comes_out_as_it_went_in(self, outbox, slack, make_alert):
        """Every field."""
        alert = make_alert(severity="CRITICAL", details={"a": [1, None, "é"]}, message="\x00 \N{SNOWMAN}")
        outbox.add(alert, ["slack"])

        assert slack.claim().alert == alert

    def test_only_the_owner_can_read_it(self, outbox, make_alert):
        """The file, its write-ahead log, and the folder that was made for it."""
        outbox.add(make_alert(), ["slack"])
        modes = {file.name: file.stat().st_mode & 0o777 for file in outbox.path.parent.iterdir()}

        assert set(modes.values()) == {0o600}
        assert len(modes) >= 2
        assert outbox.path.parent.stat().st_mode & 0o777 == 0o700

    def test_it_is_there_after_a_restart(self, outbox, make_alert, clock):
        """Another connection to the file finds it; a claim of the first is respected."""
        for message in "ab":
            outbox.add(make_alert(message=message), ["slack"])
        Deliveries(outbox, "slack", clock=clock).claim()
        again = Outbox(outbox.path)
        found = Deliveries(again, "slack", clock=clock).claim()
        again.close()

        assert found.alert.message == "b"

    def test_the_same_alert_twice_is_refused(self, outbox, make_alert):
        """Its id is unique; the others of the transaction are kept."""
        alert = make_alert()
        outbox.add(alert, ["slack"])
        with pytest.raises(sqlite3.IntegrityError):
            outbox.add(alert, ["slack"])

        assert outbox.totals()["accepted"] == 1

    def test_a_file_that_is_none_is_refused(self, tmp_path):
        """What is not SQLite's is not touched."""
        file = tmp_path / "outbox.sqlite3"
        file.write_text("this is not a database, it is a text" * 100, encoding="utf-8")
        with pytest.raises(sqlite3.DatabaseError, match="not a database"):
            Outbox(file)

        assert file.read_text(encoding="utf-8").startswith("this is not")


class TestClaims:
    """Who sends what."""

    def test_critical_first_then_the_oldest(self, outbox, slack, make_alert):
        """The order of delivery."""
        for message, severity in (("a", "LOW"), ("b", "HIGH"), ("c", "CRITICAL"), ("d", "CRITICAL")):
            outbox.add(make_alert(message=message, severity=severity), ["slack"])

        assert messages(slack, 4) == ["c", "d", "a", "b"]
        assert slack.claim() is None

    def test_other_channels_have_their_own(self, outbox, slack, make_alert):
        """One delivery for each channel."""
        outbox.add(make_alert(message="a"), ["email"])
        outbox.add(make_alert(message="b"), ["slack", "email"])

        assert messages(slack, 1) == ["b"]
        assert messages(Deliveries(outbox, "email"), 2) == ["a", "b"]

    def test_one_key_keeps_its_order(self, outbox, slack, make_alert):
        """Of one problem the oldest goes first, and the next only when it is through: never resolve before trigger."""
        for action in ("trigger", "resolve"):
            outbox.add(
                make_alert(message=action, action=action, dedup_key="k", severity="CRITICAL"), ["slack"]
            )
        first = slack.claim()

        assert first.alert.message == "trigger"
        assert slack.claim() is None
        slack.failed(first.owner)
        assert slack.claim().alert.message == "trigger"

    def test_what_failed_goes_to_the_end(self, outbox, slack, make_alert):
        """One bad alert does not stop the others."""
        for message in "abc":
            outbox.add(make_alert(message=message), ["slack"])
        slack.failed(slack.claim().owner)

        assert messages(slack, 3) == ["b", "c", "a"]

    def test_a_lease_ends(self, outbox, slack, clock, make_alert):
        """What a dead process had claimed is free again."""
        outbox.add(make_alert(), ["slack"])
        lost = slack.claim()
        clock.advance(LEASE - 1)

        assert slack.claim() is None
        clock.advance(1)
        assert slack.claim().alert == lost.alert

    def test_what_is_let_go_is_free_at_once(self, outbox, slack, make_alert):
        """A process that ends in the middle of a delivery keeps nobody waiting."""
        outbox.add(make_alert(), ["slack"])
        held = slack.claim()
        slack.let_go(held.owner)

        assert slack.claim().alert == held.alert

    def test_a_late_receipt_changes_nothing(self, outbox, slack, clock, make_alert):
        """Who lost the lease cannot mark what somebody else now has."""
        outbox.add(make_alert(), ["slack"])
        late = slack.claim()
        clock.advance(LEASE)
        slack.claim()
        slack.sent(late.owner)
        slack.failed(late.owner)

        assert outbox.totals() == {"accepted": 1, "sent": 0, "dead": 0, "pending": 1}

    @pytest.mark.parametrize("step", [-86_400, 86_400])
    def test_steps_of_the_wall_clock_move_nothing(self, outbox, slack, clock, make_alert, step):
        """Leases are not measured by it."""
        outbox.add(make_alert(), ["slack"])
        slack.claim()
        clock.wall += step

        assert slack.claim() is None

    def test_a_lease_that_began_a_moment_later_is_respected(self, outbox, slack, clock, make_alert):
        """Who was told the time before it waited for the other's commit does not take the other's for an old one."""
        outbox.add(make_alert(), ["slack"])
        slack.claim()
        clock.steady -= 1

        assert slack.claim() is None

    def test_a_lease_from_before_a_reboot_is_over(self, outbox, slack, clock, make_alert):
        """The steady clock began anew; nothing waits for it to come up again."""
        clock.steady = 5_000_000.0
        outbox.add(make_alert(), ["slack"])
        slack.claim()
        clock.steady = 12.0

        assert slack.claim() is not None

    def test_a_thousand_attempts_are_enough(self, outbox, slack, make_alert):
        """Then it is counted as given up; by then other channels have the alert."""
        outbox.add(make_alert(), ["slack"])
        outbox.commits.run(lambda it: it.execute("update deliveries set attempts = ?", (MAX_ATTEMPTS - 1,)))
        slack.failed(slack.claim().owner)

        assert outbox.totals() == {"accepted": 1, "sent": 0, "dead": 1, "pending": 0}


class TestFailover:
    """From one channel to the next."""

    def test_the_first_that_lacks_it_gets_it_once(self, outbox, slack, make_alert):
        """Whoever has it already does not get it again."""
        outbox.add(make_alert(message="a"), ["slack"])
        outbox.add(make_alert(message="b"), ["slack", "email"])

        assert slack.fail_over(["email", "file"]) == ["email", "file"]
        assert slack.fail_over(["email", "file"]) == []
        assert messages(Deliveries(outbox, "email"), 2) == ["b", "a"]
        assert messages(Deliveries(outbox, "file"), 1) == ["b"]

    def test_nobody_is_paged_for_a_trifle(self, outbox, slack, make_alert):
        """MEDIUM and LOW skip PagerDuty."""
        for severity in ("HIGH", "MEDIUM", "LOW"):
            outbox.add(make_alert(message=severity, severity=severity), ["slack"])
        slack.fail_over(["pagerduty", "file"])

        assert messages(Deliveries(outbox, "pagerduty"), 1) == ["HIGH"]
        assert messages(Deliveries(outbox, "file"), 2) == ["MEDIUM", "LOW"]

    def test_what_was_refused_is_handed_over_too(self, outbox, slack, make_alert):
        """It is given up here, and waits there."""
        outbox.add(make_alert(), ["slack"])
        slack.refused(slack.claim().owner)
        slack.fail_over(["email"])

        assert outbox.totals() == {"accepted": 1, "sent": 0, "dead": 1, "pending": 1}

    def test_follow_ups_stay_where_they_belong(self, outbox, make_alert):
        """A resolve means something to PagerDuty alone."""
        pagerduty = Deliveries(outbox, "pagerduty")
        outbox.add(make_alert(action="resolve"), ["pagerduty"])

        assert pagerduty.fail_over(["slack", "file"]) == []


class TestIncidents:
    """What is open at PagerDuty."""

    def test_a_receipt_opens_and_closes(self, outbox, make_alert):
        """Open from the trigger, even before its receipt, to the receipt of the resolve."""
        pagerduty = Deliveries(outbox, "pagerduty")
        outbox.add(make_alert(dedup_key="k", severity="CRITICAL", component="database"), ["pagerduty"])
        before = outbox.open_incidents("CRITICAL", "database")
        pagerduty.sent(pagerduty.claim().owner)
        opened = outbox.open_incidents("CRITICAL", "database")
        outbox.add(
            make_alert(dedup_key="k", severity="CRITICAL", component="database", action="resolve"),
            ["pagerduty"],
        )
        pagerduty.sent(pagerduty.claim().owner)

        assert before == opened == ["k"]
        assert outbox.open_incidents("CRITICAL", "database") == []

    def test_others_are_not_mixed_in(self, outbox, make_alert):
        """Severity and component count, and only PagerDuty."""
        outbox.add(make_alert(severity="CRITICAL", component="database"), ["slack"])
        outbox.add(make_alert(severity="HIGH", component="database"), ["pagerduty"])

        assert outbox.open_incidents("CRITICAL", "database") == []


class TestPurge:
    """Forgetting."""

    def test_what_is_done_is_forgotten_and_still_counted(self, outbox, slack, make_alert):
        """All but the latest, and never what is pending."""
        for number in range(10):
            outbox.add(make_alert(message=str(number)), ["slack"])
        held = slack.claim()
        for _ in range(9):
            slack.sent(slack.claim().owner)
        outbox.purge(keep=3)
        left = outbox.commits.read(
            lambda it: [row[0] for row in it.execute("select message from alerts order by id")]
        )

        assert left == ["0", "7", "8", "9"]
        assert outbox.totals() == {"accepted": 10, "sent": 9, "dead": 0, "pending": 1}
        slack.sent(held.owner)
        assert outbox.totals()["sent"] == 10


class TestGroupCommit:
    """Many threads."""

    def test_every_thread_gets_its_own_answer(self, outbox, make_alert):
        """A hundred threads, each its alert, once."""
        threads = [
            threading.Thread(target=outbox.add, args=(make_alert(message=str(number)), ["slack"]))
            for number in range(100)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert outbox.totals()["accepted"] == 100

    def test_one_that_fails_takes_no_other_with_it(self, outbox, make_alert):
        """Work that breaks in a shared transaction is undone alone."""
        gate, failures = threading.Barrier(21), []

        def work(number):
            gate.wait()
            try:
                if number % 2:
                    outbox.add(make_alert(message=str(number)), ["slack"])
                else:
                    outbox.commits.run(lambda it: it.execute("insert into nowhere values (1)"))
            except sqlite3.OperationalError as error:
                failures.append(str(error))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        gate.wait()
        for thread in threads:
            thread.join()

        assert outbox.totals()["accepted"] == 10
        assert failures == ["no such table: nowhere"] * 10

    def test_an_interrupted_thread_holds_up_nobody(self, outbox, make_alert):
        """Ctrl-C in the middle of a commit: undone for it, and free for the next."""
        with pytest.raises(KeyboardInterrupt):
            outbox.commits.run(interrupt)
        outbox.add(make_alert(), ["slack"])

        assert outbox.totals()["accepted"] == 1

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_a_thread_that_leads_never_waits_for_itself(self, outbox, make_alert, monkeypatch, moment):
        """A signal handler comes before its commit has begun, or when that is over and nobody else leads yet."""
        commits, refused = outbox.commits, []
        name = {"before": "_lead", "after": "_pass_on"}[moment]
        go_on = getattr(commits, name)

        def handler():
            monkeypatch.setattr(commits, name, go_on)
            with pytest.raises(sqlite3.OperationalError, match="by this very thread"):
                outbox.add(make_alert(), ["slack"])
            refused.append(moment)
            go_on()

        monkeypatch.setattr(commits, name, handler)
        outbox.add(make_alert(), ["slack"])
        outbox.add(make_alert(), ["slack"])

        assert (refused, outbox.totals()["accepted"]) == ([moment], 2)

    def test_a_follower_of_an_interrupted_leader_is_told(self, outbox, make_alert):
        """It is not led to believe that its alert is on disk."""
        leading, follow, answers = threading.Event(), threading.Event(), []

        def block(_connection):
            leading.set()
            follow.wait(30)

        first = threading.Thread(target=answer, args=(outbox.commits, block, answers))
        first.start()
        leading.wait(30)
        others = [
            threading.Thread(target=answer, args=(outbox.commits, work, answers))
            for work in (interrupt, nothing)
        ]
        for place, thread in enumerate(others, 1):
            thread.start()
            while len(outbox.commits._waiting) < place:
                threading.Event().wait(0.001)
        follow.set()
        for thread in (first, *others):
            thread.join(30)
        outbox.add(make_alert(), ["slack"])

        assert sorted(answers) == ["interrupted", "stored", "the commit was interrupted"]


def interrupt(_connection):
    """Work that is interrupted by Ctrl-C."""
    raise KeyboardInterrupt


def nothing(_connection):
    """Work that is soon done."""


def answer(commits, work, answers):
    """Run the work and note what its thread is told."""
    try:
        commits.run(work)
    except KeyboardInterrupt:
        answers.append("interrupted")
    except sqlite3.OperationalError as error:
        answers.append(str(error))
    else:
        answers.append("stored")
