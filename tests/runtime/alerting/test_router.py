"""The router stores, returns and never raises; the courier delivers, in this process, after a fork, or in the next."""

import json
import os
import sqlite3
import subprocess
import sys
import threading

import pytest

from pytest_resilience import AlertRouter, StructuredErrorLogger
from pytest_resilience.runtime.alerting import process, sender
from pytest_resilience.runtime.alerting.configuration import default_outbox, from_environment
from pytest_resilience.runtime.alerting.outbox import Outbox
from pytest_resilience.runtime.backoff import ExponentialBackoff
from pytest_resilience.runtime.repeat_limit import RepeatLimit
from pytest_resilience.testing import virtual_time

HANG_GUARD = 30
QUICK = ExponentialBackoff(base_delay=0.01, max_delay=0.05)


@pytest.fixture(autouse=True)
def couriers(monkeypatch):
    """Quick retries, and no courier left behind."""
    monkeypatch.setattr(sender, "BACKOFF", QUICK)
    monkeypatch.setattr(process, "_reports", RepeatLimit(3, 60.0))
    yield
    process.stop_all(HANG_GUARD)


def filed(tmp_path):
    """Return what is in the local file."""
    file = tmp_path / "outbox.alerts.jsonl"
    return (
        [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    )


class TestDelivery:
    """All channels are there."""

    @pytest.mark.parametrize(
        ("severity", "component", "names"),
        [
            ("CRITICAL", "database", ["pagerduty", "slack"]),
            ("CRITICAL", "ml_model", ["pagerduty", "slack"]),
            ("HIGH", "data_pipeline", ["slack", "email"]),
            ("HIGH", "api", ["slack"]),
            ("MEDIUM", "performance", ["slack"]),
            ("LOW", "monitoring", ["email"]),
            ("HIGH", "elsewhere", ["slack", "email"]),
        ],
    )
    def test_an_alert_reaches_the_channels_of_its_rule(self, configured, severity, component, names):
        """Those, and no other; their names are returned."""
        router = AlertRouter()

        assert router.route_alert(severity, component, "it is broken") == names
        assert router.flush(HANG_GUARD)
        assert [name for name in ("pagerduty", "slack", "email") if len(getattr(configured, name))] == names

    def test_info_is_logged_and_not_alerted(self, configured, capsys):
        """One line, no channel."""
        assert AlertRouter().route_alert("INFO", "api", "rate limit is near") == []
        record = json.loads(capsys.readouterr().err)

        assert (record["severity"], record["message"]) == ("INFO", "rate limit is near")
        assert not configured.email

    def test_an_unknown_severity_counts_as_high(self, configured):
        """The safer guess."""
        router = AlertRouter()

        assert router.route_alert("SEVERE", "api", "x") == ["slack"]
        router.flush(HANG_GUARD)
        assert "HIGH" in configured.slack[0].body["text"]

    def test_repeats_share_a_key(self, configured):
        """The same problem with other numbers is one incident; another problem is another."""
        router = AlertRouter()
        for message in ("lost after 3 attempts", "lost after 14 attempts", "disk full"):
            router.route_alert("CRITICAL", "database", message)
        router.flush(HANG_GUARD)
        first, second, third = (event.body["dedup_key"] for event in configured.pagerduty)

        assert first == second != third

    def test_a_key_can_be_given(self, configured):
        """For problems that no message tells apart."""
        router = AlertRouter()
        router.route_alert("CRITICAL", "database", "x", dedup_key="warehouse")
        router.flush(HANG_GUARD)

        assert configured.pagerduty[0].body["dedup_key"] == "warehouse"

    def test_a_key_is_the_same_in_each_event_and_tells_no_patient(self, configured):
        """It is redacted once for all, or nothing would ever resolve the incident."""
        router, key = AlertRouter(), "stay of patient John Smith MRN 12345678"
        router.route_alert("CRITICAL", "database", "lost", dedup_key=key)

        assert router.acknowledge_alert("CRITICAL", "database", dedup_key=key) == 1
        assert router.resolve_alert("CRITICAL", "database", dedup_key=key) == 1
        assert router.flush(HANG_GUARD)
        (shown,) = {event.body["dedup_key"] for event in configured.pagerduty}
        assert [event.body["event_action"] for event in configured.pagerduty][1:] == [
            "acknowledge",
            "resolve",
        ]
        assert "Smith" not in shown
        assert "12345678" not in shown

    @pytest.mark.usefixtures("configured")
    def test_a_follow_up_never_raises(self):
        """Whatever the component is."""

        class Nameless:
            """What has no text."""

            def __str__(self):
                raise RuntimeError("no name")

        assert AlertRouter().resolve_alert("CRITICAL", Nameless()) == 0

    def test_incidents_are_followed_up(self, configured):
        """Acknowledged and resolved under the keys that were triggered; others stay open."""
        router = AlertRouter()
        for message in ("lost", "disk full"):
            router.route_alert("CRITICAL", "database", message)
        router.route_alert("CRITICAL", "ml_model", "gone")

        assert router.acknowledge_alert("CRITICAL", "database") == 2
        assert router.resolve_alert("CRITICAL", "database") == 2
        assert router.flush(HANG_GUARD)
        assert router.resolve_alert("CRITICAL", "database") == 0
        events = [(event.body["event_action"], event.body["dedup_key"]) for event in configured.pagerduty]
        triggered = [key for action, key in events if action == "trigger"]
        assert sorted(key for action, key in events if action == "resolve") == sorted(triggered[:2])

    def test_routers_share_what_they_send_by(self, configured):
        """A router for each alert, as the policy writes it, costs no thread and no file each."""
        AlertRouter().route_alert("HIGH", "api", "first")
        before = threading.active_count()
        for number in range(50):
            AlertRouter().route_alert("CRITICAL", "database", f"m{number}")

        assert threading.active_count() == before
        assert AlertRouter().flush(HANG_GUARD)
        assert len(configured.pagerduty) == 50

    def test_many_threads_at_once(self, configured):
        """Each alert is accepted once and delivered once."""
        router = AlertRouter()

        def work(thread):
            for number in range(20):
                router.route_alert("CRITICAL", "database", f"m{thread}-{number}")

        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert router.flush(HANG_GUARD)
        assert len({event.body["payload"]["summary"] for event in configured.pagerduty}) == 200
        assert (len(configured.pagerduty), len(configured.slack)) == (200, 200)


class TestFailover:
    """Channels are missing or down."""

    @pytest.mark.parametrize(
        ("severity", "component", "down", "instead"),
        [
            ("CRITICAL", "database", "pagerduty", "email"),
            ("CRITICAL", "database", "slack", "email"),
            ("HIGH", "data_pipeline", "slack", "pagerduty"),
            ("HIGH", "api", "slack", "email"),
            ("LOW", "monitoring", "email", "slack"),
        ],
    )
    @pytest.mark.parametrize("fault", ["down", "refuse", "busy"])
    def test_the_next_channel_delivers(self, configured, severity, component, down, instead, fault):
        """Each channel in turn fails, in each way: another one that was not asked has the alert."""
        endpoint, router = getattr(configured, down), AlertRouter()
        codes = {"refuse": 554, "busy": 451} if down == "email" else {"refuse": 403, "busy": 429}
        with endpoint.down() if fault == "down" else endpoint.respond(codes[fault]):
            router.route_alert(severity, component, "it is broken")
            configured.wait_for(lambda: getattr(configured, instead), HANG_GUARD)

    @pytest.mark.parametrize("down", ["pagerduty", "slack", "email"])
    def test_it_is_delivered_late_as_well(self, configured, down):
        """The failed channel gets it when it is back."""
        router = AlertRouter(rules={("HIGH", "api"): [down]})
        with getattr(configured, down).down():
            router.route_alert("HIGH", "api", "it is broken")
            router.flush(0.2)

        assert router.flush(HANG_GUARD)
        assert len(getattr(configured, down)) == 1

    def test_a_hanging_channel_holds_up_no_other(self, configured):
        """PagerDuty takes the call and says nothing; Slack has the alert meanwhile."""
        with configured.pagerduty.hang():
            AlertRouter().route_alert("CRITICAL", "database", "it is broken")
            configured.wait_for(lambda: configured.pagerduty.faulted and configured.slack, HANG_GUARD)

    def test_the_file_is_the_last_resort(self, configured, tmp_path):
        """Everything is down: the alert is in the local file, once, and still waits for the others."""
        router = AlertRouter()
        with configured.pagerduty.down(), configured.slack.down(), configured.email.down():
            router.route_alert("CRITICAL", "database", "it is broken")
            while not filed(tmp_path):
                router.flush(0.05)
            router.flush(0.2)

            assert [alert["message"] for alert in filed(tmp_path)] == ["it is broken"]
        assert router.flush(HANG_GUARD)
        assert (len(configured.pagerduty), len(configured.slack)) == (1, 1)

    def test_a_channel_that_is_not_configured_is_replaced(self, configured, environment):
        """By the next that is, without paging for a trifle."""
        environment.delenv("SMTP_HOST")
        router = AlertRouter()

        assert router.route_alert("LOW", "monitoring", "x") == ["email"]
        router.flush(HANG_GUARD)
        assert (len(configured.slack), len(configured.pagerduty)) == (1, 0)

    def test_without_any_channel_the_file_has_it_at_once(self, tmp_path):
        """Durably, before the call returns; no thread and no outbox are needed."""
        router, before = AlertRouter(), threading.active_count()

        assert router.route_alert("CRITICAL", "database", "msg") == ["pagerduty", "slack"]
        assert [alert["message"] for alert in filed(tmp_path)] == ["msg"]
        assert threading.active_count() == before
        assert router.flush()
        assert not (tmp_path / "outbox.sqlite3").exists()

    def test_deliveries_are_in_real_time(self, configured):
        """Where a test makes time virtual, alerts are retried and flushed all the same."""
        with virtual_time():
            router = AlertRouter()
            with configured.slack.down():
                router.route_alert("HIGH", "api", "it is broken")

                assert not router.flush(0.2)
            assert router.flush(HANG_GUARD)
        assert len(configured.slack) == 1


class TestNeverRaises:
    """Whatever breaks."""

    @pytest.mark.parametrize(
        "arguments",
        [
            (None, None, None),
            (1, 2.5, b"x"),
            ("HIGH", "api", "\ud800\x00"),
            ("HIGH", "", ""),
            ("HIGH", "api", "x" * 10_000_000),
            ("HIGH", ["api"], {"a": 1}),
        ],
    )
    def test_odd_arguments_are_taken(self, configured, arguments):
        """As far as they make sense."""
        router = AlertRouter()
        router.route_alert(*arguments)

        assert router.flush(HANG_GUARD)
        assert len(configured.slack) + len(configured.email) >= 1

    def test_arguments_that_break_are_survived(self, configured, capsys):
        """The failure is told by its type, and nothing of its text."""

        class Broken:
            def __str__(self):
                raise RuntimeError("kestrel")

        assert AlertRouter().route_alert("HIGH", "api", Broken()) == []
        written = capsys.readouterr().err
        assert "RuntimeError" in written
        assert "kestrel" not in written
        assert not configured.slack

    @pytest.mark.parametrize("how", ["folder is a file", "damaged", "disk is full"])
    def test_without_its_outbox_it_delivers_all_the_same(
        self, configured, environment, tmp_path, how, capsys
    ):
        """From memory, and says so."""
        path = tmp_path / "outbox.sqlite3"
        if how == "folder is a file":
            (tmp_path / "file").write_text("", encoding="utf-8")
            path = tmp_path / "file" / "outbox.sqlite3"
        elif how == "damaged":
            path.write_bytes(b"this is not a database" * 100)
        else:
            outbox = Outbox(path)
            outbox.commits.read(lambda connection: connection.execute("pragma max_page_count = 1"))
            environment.setattr(process, "Outbox", lambda where: outbox if where else Outbox(None))
        environment.setenv("RESILIENCE_OUTBOX", str(path))
        router = AlertRouter()
        for number in range(30):
            router.route_alert("CRITICAL", "database", f"m{number} {'x' * 2_000}")
        configured.wait_for(lambda: len(configured.pagerduty) == len(configured.slack) == 30, HANG_GUARD)

        assert '"channel": "outbox"' in capsys.readouterr().err

    def test_an_alert_from_a_signal_handler_is_sent(self, configured):
        """It comes in the middle of this thread's own commit; nothing is waited for that can never happen."""
        router = AlertRouter()
        router.route_alert("CRITICAL", "database", "before")
        outbox = router._courier().outbox
        outbox.commits.run(lambda _connection: router.route_alert("CRITICAL", "database", "terminated"))
        configured.wait_for(lambda: len(configured.pagerduty) == 2, HANG_GUARD)

    def test_memory_is_bounded_while_the_outbox_is_gone(self, configured, environment, tmp_path, capsys):
        """What is over the limit is refused, and said so; CRITICAL is taken all the same."""
        (tmp_path / "file").write_text("", encoding="utf-8")
        environment.setenv("RESILIENCE_OUTBOX", str(tmp_path / "file" / "outbox.sqlite3"))
        environment.setattr("pytest_resilience.runtime.alerting.router.MAX_IN_MEMORY", 3)
        router = AlertRouter()
        with configured.slack.down(), configured.pagerduty.down(), configured.email.down():
            accepted = [router.route_alert("HIGH", "api", f"m{number}") for number in range(10)]

            assert accepted[0] == ["slack"]
            assert accepted[-1] == []
            assert router.route_alert("CRITICAL", "api", "x") == ["pagerduty", "slack"]
        assert "MemoryError" in capsys.readouterr().err

    def test_a_locked_outbox_is_waited_for_only_so_long(self, configured, tmp_path, monkeypatch):
        """Another process that holds the file does not hold the caller."""
        monkeypatch.setattr("pytest_resilience.runtime.alerting.outbox.BUSY_TIMEOUT", 0.05)
        router = AlertRouter()
        router.route_alert("CRITICAL", "database", "before")
        router.flush(HANG_GUARD)
        other = sqlite3.connect(tmp_path / "outbox.sqlite3", isolation_level=None)
        other.execute("begin immediate")
        router.route_alert("CRITICAL", "database", "meanwhile")
        configured.wait_for(lambda: len(configured.pagerduty) == 2, HANG_GUARD)
        other.execute("rollback")
        other.close()


class TestProcesses:
    """Ends, forks and siblings."""

    def run(self, code, tmp_path, **more):
        """Run a program of its own, with this test's environment."""
        program = f"from pytest_resilience import AlertRouter\n{code}"
        return subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **more},
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def test_the_end_of_a_process_delivers(self, configured, tmp_path):
        """An alert as the last word of a program."""
        self.run("AlertRouter().route_alert('CRITICAL', 'database', 'last words')", tmp_path)

        assert (len(configured.pagerduty), len(configured.slack)) == (1, 1)

    def test_an_alert_while_the_interpreter_ends_is_delivered(self, configured, tmp_path):
        """From a function that runs at exit, after the router's own."""
        code = (
            "import atexit\n"
            "atexit.register(lambda: AlertRouter().route_alert('CRITICAL', 'database', 'very last words'))\n"
            "import pytest_resilience.runtime.alerting.process"
        )
        self.run(f"import atexit\n{code}", tmp_path)
        self.run("AlertRouter().flush(10)", tmp_path)

        assert len(configured.pagerduty) == 1

    def test_what_one_process_leaves_the_next_delivers(self, configured, tmp_path):
        """The end found the channels down."""
        with configured.pagerduty.down(), configured.slack.down(), configured.email.down():
            self.run(
                "from pytest_resilience.runtime.alerting import process; process.EXIT_GRACE = 0.1\n"
                "AlertRouter().route_alert('CRITICAL', 'database', 'left behind')",
                tmp_path,
            )

        assert [alert["message"] for alert in filed(tmp_path)] == ["left behind"]
        self.run("AlertRouter().flush(20)", tmp_path)
        assert (len(configured.pagerduty), len(configured.slack)) == (1, 1)

    @pytest.mark.parametrize("made", ["AlertRouter()", "StructuredErrorLogger('agent')"])
    def test_a_restart_delivers_without_a_new_alert(self, configured, made):
        """Whoever makes a router, or a logger that has one, delivers what was left."""
        outbox = Outbox(from_environment().outbox)
        alert = AlertRouter()._alert("HIGH", "api", "left behind", {}, None)
        process.stop_all()
        outbox.add(alert, ["slack"])
        outbox.close()
        eval(made, {"AlertRouter": AlertRouter, "StructuredErrorLogger": StructuredErrorLogger})  # noqa: S307
        configured.wait_for(lambda: len(configured.slack) == 1, HANG_GUARD)

    def test_a_forked_child_sends_its_own(self, configured, tmp_path):
        """The parent's threads and connection are not the child's; neither loses or doubles an alert."""
        code = (
            "import os, sys\n"
            "router = AlertRouter()\n"
            "for n in range(20): router.route_alert('CRITICAL', 'database', f'parent {n}')\n"
            "children = []\n"
            "for child in range(3):\n"
            "    pid = os.fork()\n"
            "    if pid == 0:\n"
            "        for n in range(20): router.route_alert('CRITICAL', 'database', f'child {child} {n}')\n"
            "        done = router.flush(20)\n"
            "        os._exit(0 if done else 1)\n"
            "    children.append(pid)\n"
            "    router.route_alert('CRITICAL', 'database', f'between {child}')\n"
            "ends = [os.waitpid(pid, 0)[1] for pid in children]\n"
            "sys.exit(any(ends) or not router.flush(20))\n"
        )
        self.run(code, tmp_path)
        said = sorted(event.body["payload"]["summary"] for event in configured.pagerduty)

        assert len(said) == len(set(said)) == 20 + 3 * 20 + 3

    def test_two_processes_on_one_outbox(self, configured, tmp_path):
        """At the same time: every alert is delivered, and none twice."""
        code = (
            "import sys; router = AlertRouter()\n"
            "for n in range(100): router.route_alert('CRITICAL', 'database', f'{sys.argv[1]} {n}')\n"
            "sys.exit(not router.flush(30))\n"
        )
        program = f"from pytest_resilience import AlertRouter\n{code}"
        siblings = [
            subprocess.Popen([sys.executable, "-c", program, name], cwd=tmp_path, env=dict(os.environ))
            for name in ("one", "two")
        ]
        ends = [sibling.wait(60) for sibling in siblings]
        for endpoint in (configured.pagerduty, configured.slack):
            said = [json.dumps(alert.body) for alert in endpoint]

            assert len(said) == len(set(said)) == 200
        assert ends == [0, 0]


class TestConfiguration:
    """Where the outbox is, and what is configured."""

    def test_applications_do_not_share_a_default_outbox(self, tmp_path, monkeypatch):
        """Another folder or another target is another application; the same is found again."""
        environment = {"HOME": str(tmp_path), "SLACK_WEBHOOK_URL": "https://a"}
        monkeypatch.chdir(tmp_path)
        here = default_outbox(environment)
        (tmp_path / "elsewhere").mkdir()

        assert default_outbox(environment) == here
        assert default_outbox({**environment, "SLACK_WEBHOOK_URL": "https://b"}) != here
        assert here.is_relative_to(tmp_path / ".local" / "state" / "pytest-resilience")
        assert default_outbox({**environment, "XDG_STATE_HOME": str(tmp_path / "state")}).is_relative_to(
            tmp_path / "state"
        )
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert default_outbox(environment) != here

    def test_a_folder_that_others_can_write_is_not_used(self, tmp_path, monkeypatch):
        """Where there is no home, a private folder is taken; never one that somebody else has prepared."""
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        own = default_outbox({})
        trap = tmp_path / f"pytest-resilience-{os.getuid()}"
        trap.chmod(0o777)
        other = default_outbox({})

        assert own.is_relative_to(trap)
        assert not other.is_relative_to(trap)
        assert other.parents[1].stat().st_mode & 0o777 == 0o700

    @pytest.mark.parametrize(
        "missing", ["SMTP_HOST", "ALERT_EMAIL_TO", "PAGERDUTY_ROUTING_KEY", "SLACK_WEBHOOK_URL"]
    )
    @pytest.mark.usefixtures("configured")
    def test_a_channel_that_lacks_something_is_left_out(self, environment, missing):
        """The others stay."""
        environment.delenv(missing)

        assert len(from_environment().channels) == 2

    @pytest.mark.usefixtures("configured")
    def test_a_port_that_is_none_is_the_usual_one(self, environment):
        """And a sender is made up."""
        environment.setenv("SMTP_PORT", "twenty-five")
        environment.delenv("ALERT_EMAIL_FROM")
        email = from_environment().channels[-1]

        assert (email.port, email.sender.partition("@")[0]) == (25, "pytest-resilience")

    def test_the_latest_channels_of_an_outbox_are_used(self, configured):
        """A process whose environment changes goes on with the new one; the old threads end."""
        taker, first = Taker(), AlertRouter()
        first.route_alert("HIGH", "api", "one")
        first.flush(HANG_GUARD)
        threads = [thread for thread in threading.enumerate() if thread.name.startswith("alerts-")]
        second = AlertRouter(channels=[taker])
        second.route_alert("HIGH", "api", "two")

        assert second.flush(HANG_GUARD)
        for thread in threads:
            thread.join(HANG_GUARD)
        assert (len(configured.slack), len(taker.taken)) == (1, 1)

    def test_a_channel_that_cannot_be_hashed_is_no_obstacle(self):
        """A team's own class may define equality."""
        taker = Unhashable()
        router = AlertRouter(channels=[taker])
        router.route_alert("HIGH", "api", "x")

        assert router.flush(HANG_GUARD)
        assert len(taker.taken) == 1

    @pytest.mark.parametrize("channel", ["slack", 5, object()])
    def test_a_channel_that_is_none_is_refused(self, channel):
        """When the router is made: the first alert must not be what finds out."""
        with pytest.raises(TypeError, match="channels must be objects with a `name` and a method `send`"):
            AlertRouter(channels=[channel])


class Taker:
    """A channel of a team's own that takes everything."""

    name = "slack"

    def __init__(self):
        self.taken = []

    def send(self, alert):
        """Take it."""
        self.taken.append(alert)


class Unhashable(Taker):
    """One that cannot be a key of a mapping."""

    __hash__ = None
