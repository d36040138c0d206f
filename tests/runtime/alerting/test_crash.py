"""Killed at every write of the outbox and around every POST, no accepted alert is lost."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

PROGRAM = Path(__file__).with_name("crash_points.py")


def kill_at_every_step(inbox, folder, *options):
    """Return the points, and how often each message reached Slack and PagerDuty."""
    done = subprocess.run(
        [sys.executable, PROGRAM, str(folder), *options],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=150,
        check=True,
    )
    points = [json.loads(line) for line in done.stdout.splitlines()]
    slack = Counter(post.body["text"].partition(": ")[2] for post in inbox.slack)
    pages = Counter(event.body["payload"]["summary"].partition(": ")[2] for event in inbox.pagerduty)
    return points, slack, pages


def lost(points, slack, pages):
    """Return the messages that were accepted and reached not every channel of their rule."""
    return [
        message
        for point in points
        for message in point["accepted"]
        if not slack[message] or (message.endswith("database") and not pages[message])
    ]


def test_killed_at_every_step(configured, tmp_path):
    """What route_alert accepted is delivered to every channel of its rule, at least once and at most twice."""
    points, slack, pages = kill_at_every_step(configured, tmp_path)

    assert [point["killed"] for point in points] == [True] * (len(points) - 1) + [False]
    assert len(points) > 20
    assert {len(point["accepted"]) for point in points} == {0, 1, 2}
    assert lost(points, slack, pages) == []
    assert max((*slack.values(), *pages.values())) <= 2


def test_a_receipt_noted_too_early_is_found(configured, tmp_path):
    """The same search finds the common bug: noting a delivery before it is one."""
    assert lost(*kill_at_every_step(configured, tmp_path, "--mark-too-early"))
