"""A sender delivers, waits between failures, gives what waits to the next channel, and makes one of a storm."""

import tracemalloc

import pytest

from pytest_resilience.errors import FatalError, RetryableError
from pytest_resilience.runtime.alerting.deliveries import Deliveries
from pytest_resilience.runtime.alerting.outbox import Outbox
from pytest_resilience.runtime.alerting.sender import FAILOVER_AFTER, MAX_RETRY_AFTER, POLL, Sender
from pytest_resilience.runtime.alerting.storm import BURST, WINDOW


class Receiver:
    """A channel that answers as it is told, and keeps what it took."""

    name = "slack"

    def __init__(self):
        self.taken, self.tried, self.failure = [], 0, None

    def send(self, alert):
        """Take the alert, or fail."""
        self.tried += 1
        if self.failure is not None:
            raise self.failure
        self.taken.append(alert)


@pytest.fixture
def receiver():
    """A channel of this test alone."""
    return Receiver()


@pytest.fixture
def outbox(tmp_path):
    """An outbox of this test alone."""
    opened = Outbox(tmp_path / "outbox.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def sender(receiver, outbox, clock):
    """A sender to the receiver, with a file to fall back on."""
    return Sender(receiver, outbox, others=["file"], clock=clock)


def add(outbox, make_alert, count=1, **changes):
    """Add so many alerts for the receiver."""
    for number in range(count):
        outbox.add(make_alert(**{"message": f"m{number}", **changes}), ["slack"])


def drain(sender, *, hurry=False):
    """Step until there is a reason to wait, and return how long."""
    while (pause := sender.step(hurry=hurry)) == 0:
        pass
    return pause


def waiting_for_file(outbox):
    """Return how many alerts wait for the last resort."""
    query = "select count(*) from deliveries where channel = 'file' and state = 'pending'"
    return outbox.commits.read(lambda connection: connection.execute(query).fetchone()[0])


class TestDelivery:
    """All is well."""

    def test_nothing_to_do_means_to_wait(self, sender):
        """It comes again to see what other processes left."""
        assert sender.step() == POLL

    def test_what_is_sent_is_marked_after_the_receipt(self, sender, receiver, outbox, make_alert):
        """Once, and never before the channel has it."""
        add(outbox, make_alert, 3)
        during = []
        receiver.send = lambda alert: (during.append(outbox.totals()["sent"]), receiver.taken.append(alert))
        drain(sender)

        assert during == [0, 1, 2]
        assert outbox.totals() == {"accepted": 3, "sent": 3, "dead": 0, "pending": 0}


class TestFailures:
    """All is not."""

    def test_delays_grow_and_end(self, sender, receiver, outbox, clock, make_alert):
        """By the runtime's own backoff; a success begins anew."""
        add(outbox, make_alert)
        receiver.failure, delays = RetryableError("busy"), []
        for _ in range(12):
            sender.step()
            delays.append(sender._not_before - clock.steady)
            clock.advance(delays[-1])
        receiver.failure = None
        sender.step()

        assert [0.5 * 2**n <= delay <= 1.5 * 2**n for n, delay in enumerate(delays[:5])] == [True] * 5
        assert max(delays) <= 30.0
        assert (len(receiver.taken), sender.failures) == (1, 0)

    def test_it_stays_away_as_long_as_it_is_asked_to(self, sender, receiver, outbox, clock, make_alert):
        """Retry-After is honoured, within reason."""
        add(outbox, make_alert)
        for asked, kept in ((40.0, 40.0), (1e9, MAX_RETRY_AFTER)):
            receiver.failure = RetryableError("busy", retry_after=asked)
            sender.step()

            assert sender._not_before - clock.steady == pytest.approx(kept)
            clock.advance(kept)

    def test_while_it_waits_it_does_not_try(self, sender, receiver, outbox, make_alert):
        """New alerts do not knock at a closed door."""
        add(outbox, make_alert)
        receiver.failure = RetryableError("busy")
        sender.step()
        add(outbox, make_alert, 5)

        assert drain(sender) > 0
        assert receiver.tried == 1

    def test_after_two_failures_the_next_channel_has_it(self, sender, receiver, outbox, clock, make_alert):
        """And what comes while the door is closed, at once."""
        add(outbox, make_alert, 3)
        receiver.failure, handed = RetryableError("busy"), []
        for _ in range(FAILOVER_AFTER):
            sender.step()
            handed.append(waiting_for_file(outbox))
            clock.advance(30)
        clock.advance(-29.9)
        add(outbox, make_alert, 2)
        sender.step()

        assert handed == [0, 3]
        assert waiting_for_file(outbox) == 5

    def test_it_is_delivered_late_as_well(self, sender, receiver, outbox, clock, make_alert):
        """The first channel gets it when it is back, although another has it."""
        add(outbox, make_alert)
        receiver.failure = RetryableError("busy")
        for _ in range(3):
            sender.step()
            clock.advance(30)
        receiver.failure = None
        sender.step()

        assert len(receiver.taken) == 1

    @pytest.mark.parametrize(
        "failure",
        [FatalError("never"), TypeError("a bug in a channel"), SystemExit("a channel that ends its thread")],
    )
    def test_a_refusal_is_handed_over_at_once(self, sender, receiver, outbox, make_alert, failure):
        """And stops nothing else."""
        add(outbox, make_alert, 2)
        receiver.failure = failure
        sender.step()
        receiver.failure = None
        drain(sender)

        assert waiting_for_file(outbox) == 1
        assert [alert.message for alert in receiver.taken] == ["m1"]
        assert outbox.totals()["dead"] == 1

    def test_every_failure_is_reported(self, receiver, outbox, clock, make_alert):
        """With the channel, the error, and how many there were in a row."""
        told = []
        sender = Sender(receiver, outbox, report=lambda *facts: told.append(facts), clock=clock)
        add(outbox, make_alert)
        receiver.failure = RetryableError("busy")
        for _ in range(2):
            sender.step()
            clock.advance(30)

        assert told == [("slack", receiver.failure, 1), ("slack", receiver.failure, 2)]

    def test_steps_of_the_wall_clock_move_nothing(self, sender, receiver, outbox, clock, make_alert):
        """Neither an early nor a late retry."""
        add(outbox, make_alert)
        receiver.failure = RetryableError("busy")
        sender.step()
        for step in (-86_400, 2 * 86_400):
            clock.wall += step

            assert sender.step() > 0
        assert receiver.tried == 1


class TestStorm:
    """Too much at once."""

    def test_a_storm_becomes_a_digest(self, sender, receiver, outbox, clock, make_alert):
        """A burst goes out one by one, the rest as one when the window is over; all are counted."""
        add(outbox, make_alert, 100, component="api")
        add(outbox, make_alert, 50, component="performance", severity="MEDIUM")
        pause = drain(sender)
        first = len(receiver.taken)
        clock.advance(WINDOW)
        drain(sender)
        digest = receiver.taken[-1]

        assert (first, len(receiver.taken)) == (BURST, BURST + 1)
        assert 0 < pause <= WINDOW
        assert digest.message == "140 alerts at once: 90 x HIGH/api, 50 x MEDIUM/performance"
        assert (digest.severity, digest.component, digest.count) == ("HIGH", "several", 140)
        assert len(digest.details["samples"]) == 5
        assert outbox.totals() == {"accepted": 150, "sent": 150, "dead": 0, "pending": 0}

    def test_critical_alerts_are_exempt(self, sender, receiver, outbox, make_alert):
        """Each goes out by itself, at once, before everything else."""
        add(outbox, make_alert, 50)
        add(outbox, make_alert, 50, severity="CRITICAL")
        drain(sender)

        assert [alert.severity for alert in receiver.taken[:50]] == ["CRITICAL"] * 50
        assert len(receiver.taken) == 50 + BURST

    def test_a_hurry_does_not_wait_for_the_window(self, sender, receiver, outbox, make_alert):
        """At the end of the process."""
        add(outbox, make_alert, 30)
        drain(sender, hurry=True)

        assert receiver.taken[-1].count == 20

    def test_a_digest_that_fails_is_sent_again(self, sender, receiver, outbox, clock, make_alert):
        """With everything in it, and what came since."""
        add(outbox, make_alert, 30)
        drain(sender)
        clock.advance(WINDOW)
        receiver.failure = RetryableError("busy")
        sender.step()
        receiver.failure = None
        add(outbox, make_alert, 5)
        clock.advance(WINDOW)
        drain(sender)

        assert receiver.taken[-1].count == 25
        assert outbox.totals()["pending"] == 0

    def test_a_refused_digest_is_handed_over_whole(self, sender, receiver, outbox, clock, make_alert):
        """Each alert of it, once."""
        add(outbox, make_alert, 30)
        drain(sender)
        clock.advance(WINDOW)
        receiver.failure = FatalError("never")
        sender.step()

        assert waiting_for_file(outbox) == 20

    def test_many_kinds_are_summed_up(self, sender, receiver, outbox, clock, make_alert):
        """The digest stays short."""
        for number in range(60):
            outbox.add(make_alert(component=f"part{number}"), ["slack"])
        drain(sender)
        clock.advance(WINDOW)
        drain(sender)

        assert receiver.taken[-1].message.endswith(" and 30 more kinds")
        assert len(receiver.taken[-1].message) < 1_000

    def test_a_hundred_thousand_at_once(self, sender, receiver, outbox, clock):
        """Bounded memory, and every one accounted for."""
        rows = (
            (f"u{n}", "HIGH", f"part{n % 3}", f"request {n} failed", "{}", f"k{n}", "trigger", 0.0)
            for n in range(100_000)
        )

        def insert(connection):
            connection.executemany("insert into alerts values (null, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            connection.execute(
                "insert into deliveries (alert, channel, dedup_key, urgent)"
                " select id, 'slack', dedup_key, 0 from alerts"
            )

        outbox.commits.run(insert)
        tracemalloc.start()
        drain(sender)
        clock.advance(WINDOW)
        drain(sender)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert sum(alert.count for alert in receiver.taken) == 100_000
        assert len(receiver.taken) == BURST + 1
        assert outbox.totals() == {"accepted": 100_000, "sent": 100_000, "dead": 0, "pending": 0}
        assert peak < 8 * 1024 * 1024

    def test_two_senders_share_a_storm(self, receiver, outbox, clock, make_alert):
        """Two processes on one outbox: each alert in one digest or the other, never in both."""
        senders = [Sender(receiver, outbox, clock=clock) for _ in range(2)]
        add(outbox, make_alert, 200)
        for _ in range(3):
            for sender in senders:
                drain(sender)
            clock.advance(WINDOW)

        assert sum(alert.count for alert in receiver.taken) == 200
        assert Deliveries(outbox, "slack", clock=clock).claim() is None
