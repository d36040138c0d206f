"""Route two alerts again and again, killed at the first step, the second, and so on; then recover.

Run by test_crash.py as a process without threads, so that each point is a fork and not a start of Python. Prints one
line of JSON a point: its number, whether the kill was reached, and the messages of the alerts that were accepted.
"""

import itertools
import json
import os
import signal
import sqlite3
import sys
from pathlib import Path

from pytest_resilience import AlertRouter
from pytest_resilience.runtime.alerting import deliveries, pagerduty, sender, slack
from pytest_resilience.runtime.alerting.http_post import post_json
from pytest_resilience.runtime.backoff import ExponentialBackoff

deliveries.LEASE = 0.2
sender.POLL = 0.05
sender.BACKOFF = ExponentialBackoff(base_delay=0.01, max_delay=0.05)
CONNECT = sqlite3.connect


def kill_at(point):
    """Let this process be killed at the so-maniest step: before a write of the outbox, before or after a POST."""
    steps = itertools.count(1)

    def step():
        if next(steps) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(statement):
        if not statement.lstrip().lower().startswith(("select", "pragma")):
            step()

    def connect(*arguments, **options):
        connection = CONNECT(*arguments, **options)
        connection.set_trace_callback(watch)
        return connection

    def post(*arguments, **options):
        step()
        answer = post_json(*arguments, **options)
        step()
        return answer

    sqlite3.connect = connect
    pagerduty.post_json = slack.post_json = post


def mark_too_early(self, claim):
    """Deliver as many do, wrongly: note the receipt, then send."""
    self._deliveries.sent(claim.owner)
    self.channel.send(claim.alert)


def child(work):
    """Run the work in a fork; return what it wrote to its pipe, and whether it was killed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        work(lambda text: os.write(writing, f"{text}\n".encode()))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read().splitlines()
    return said, os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def main(folder):
    """Go through the points until one is past the last write."""
    for point in itertools.count(1):
        os.environ["RESILIENCE_OUTBOX"] = str(Path(folder, f"{point}.sqlite3"))

        def route(say, point=point):
            kill_at(point)
            router = AlertRouter()
            for severity, component in (("CRITICAL", "database"), ("HIGH", "api")):
                message = f"point {point} {component}"
                router.route_alert(severity, component, message)
                say(message)
            router.flush(20)

        accepted, killed = child(route)
        child(lambda _say: AlertRouter().flush(20))
        sys.stdout.write(json.dumps({"point": point, "killed": killed, "accepted": accepted}) + "\n")
        if not killed:
            return


if __name__ == "__main__":
    if "--mark-too-early" in sys.argv:
        sender.Sender._deliver = mark_too_early
    main(sys.argv[1])
