"""The watcher of deadlines: signals, other people's handlers, forks."""

from __future__ import annotations

import functools
import os
import signal
import threading
import time

import pytest

from pytest_resilience import DeadlineExceededError
from pytest_resilience.runtime import interruption
from pytest_resilience.runtime.deadline import Deadline

FOREVER = 3600

hang = functools.partial(time.sleep, FOREVER)


def test_a_handler_that_was_there_before_still_hears_its_signals():
    """A program that uses the same signal for itself loses nothing."""
    program = """
import signal, os, time
heard = []
signal.signal(signal.SIGURG, lambda number, frame: heard.append(number))
from pytest_resilience.runtime.deadline import Deadline
from pytest_resilience import DeadlineExceededError
try:
    Deadline(0.02).call(time.sleep, 3600)
except DeadlineExceededError:
    os.kill(os.getpid(), signal.SIGURG)
    print(len(heard))
"""
    assert _run(program) == "1"


def test_without_its_handler_the_main_thread_is_found_late_at_the_end():
    """Somebody else took the signal: the code is not interrupted, and its caller learns of it."""
    program = """
import signal, threading
from pytest_resilience.runtime.deadline import Deadline
from pytest_resilience import DeadlineExceededError
Deadline(5).call(int)
signal.signal(signal.SIGURG, signal.SIG_IGN)
told = threading.Event()
deadline = Deadline(0.02, listeners=(lambda event: told.set(),))
try:
    deadline.call(told.wait)
except DeadlineExceededError:
    print("late")
"""
    assert _run(program) == "late"


def test_a_forked_child_keeps_deadlines_too():
    """The child has no watcher of its parent's; it starts its own."""
    Deadline(60).call(int)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            Deadline(0.02).call(time.sleep, FOREVER)
        except DeadlineExceededError:
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0


def test_an_interrupt_names_its_run():
    """An inner layer can tell an outer one's interrupt from its own."""
    seen = []

    def code():
        try:
            hang()
        except interruption.Interrupt as interrupt:
            seen.append(interrupt.run)
            raise

    deadline = Deadline(0.02)
    with pytest.raises(DeadlineExceededError):
        deadline.call(code)

    assert [deadline] == seen


def test_a_nearer_deadline_wakes_the_watcher():
    """One that ends before all others, begun while the watcher sleeps."""
    entered = threading.Event()
    done = threading.Event()

    def hold():
        with Deadline(60):
            entered.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait()
    with pytest.raises(DeadlineExceededError):
        Deadline(0.02).call(time.sleep, FOREVER)
    done.set()
    thread.join()


def test_nothing_is_watched_when_all_is_over():
    """Entries do not pile up."""
    for _ in range(100):
        Deadline(60).call(int)

    assert not [run for run in interruption.RUNS if run.thread == threading.get_ident()]


def test_a_listener_that_ends_the_watcher_does_not_end_all_watching():
    """Exit signals of a listener go through; the next deadline is kept all the same."""
    program = """
import threading, time
from pytest_resilience.runtime.deadline import Deadline
from pytest_resilience import DeadlineExceededError
threading.excepthook = lambda arguments: None
def listener(event):
    heard.set()
    raise SystemExit
heard, over = threading.Event(), threading.Event()
def late():
    with Deadline(0.02, listeners=(listener,)):
        over.wait()
thread = threading.Thread(target=late)
thread.start()
heard.wait()
over.set()
thread.join()
try:
    Deadline(0.02).call(time.sleep, 3600)
except DeadlineExceededError:
    print("kept")
"""
    assert _run(program) == "kept"


def test_the_signal_is_one_that_harms_nobody():
    """Its default is to be ignored: a stray one ends no process."""
    assert signal.SIGURG == interruption._SIGNAL


def _run(program):
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()
