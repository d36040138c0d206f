"""In a Python workload the `random` module answers its midpoint, and what has to differ still differs."""

from __future__ import annotations

import pytest

from pytest_resilience.chaos.workload.control import Tweaks

LONG = 60.0
PROGRAM = """
import random, secrets, sys, tempfile, uuid
from random import uniform, Random
class Own(random.Random):
    def random(self): return 0.25
own, other = Own(), Random(7)
print(random.random(), other.random(), uniform(1, 3), random.randint(1, 9), random.randrange(10), random.choice("abc"))
print(random.gauss(5, 1), random.normalvariate(5, 1), random.triangular(0, 4), random.betavariate(1, 3), own.random())
print(random.gammavariate(2, 3), round(random.expovariate(1), 3), random.vonmisesvariate(1, 4), random.choices("abc"))
print(len({random.getrandbits(64) for _ in range(9)}), len({tuple(random.choices("abcdefgh", k=20)) for _ in range(9)}))
print(sorted(random.sample(range(50), 50)) == list(range(50)), len({secrets.token_hex() for _ in range(9)}))
cards = list(range(50)); random.shuffle(cards); print(sorted(cards) == list(range(50)))
for _ in range(3): tempfile.NamedTemporaryFile()
print(len({uuid.uuid4() for _ in range(9)}), random.paretovariate(1), random.weibullvariate(1, 1) > 0)
"""


def test_draws_are_pinned(make) -> None:
    """Numbers are their midpoint, identifiers and permutations are not pinned, and own generators are let alone."""
    work = make(program=PROGRAM, tweaks=Tweaks(pin_random=True))
    work.start()
    work.wait(LONG)

    assert work.output.splitlines() == [
        "0.5 0.5 2.0 5 5 b",
        "5 5 2.0 0.25 0.25",
        "6 0.693 1 ['b']",
        "9 9",
        "True 9",
        "True",
        "9 2.0 True",
    ]
    assert work.tweaked


def test_what_escapes_is_told(make) -> None:
    """Draws of `SystemRandom`, which cannot be pinned, are reported."""
    work = make(
        program="import random; random.SystemRandom().random(); random.SystemRandom().uniform(1, 2)",
        tweaks=Tweaks(pin_random=True),
    )
    work.start()
    work.wait(LONG)

    assert work.inside.escaped == ["SystemRandom: its draws are not pinned"]


@pytest.mark.parametrize("end", ["sys.exit()", "signal.raise_signal(signal.SIGTERM)"])
def test_what_escapes_is_told_however_the_process_ends(make, end) -> None:
    """A server raises the signal again that it was told to end by; what runs `atexit` never runs then."""
    work = make(
        program=f"import os, signal, sys, types; sys.modules['uvloop'] = types.ModuleType('uvloop'); {end}",
        tweaks=Tweaks(time_scale=2.0),
    )
    work.start()
    work.wait(LONG)

    assert work.inside.escaped == ["uvloop: its timers are not scaled"]


def test_a_handled_signal_is_no_end(make) -> None:
    """Its handler decides, and what comes after it is seen."""
    program = """
import signal, sys, types
signal.signal(signal.SIGTERM, lambda *_: print("handled"))
signal.raise_signal(signal.SIGTERM)
sys.modules["uvloop"] = types.ModuleType("uvloop")
"""
    work = make(program=program, tweaks=Tweaks(time_scale=2.0))
    work.start()
    work.wait(LONG)

    assert (work.stdout, work.inside.escaped) == ("handled\n", ["uvloop: its timers are not scaled"])


def test_without_tweaks_nothing_is_changed(make) -> None:
    """A plain workload has its own dice, and its environment as it was given."""
    work = make(
        program="import os, random; print(len({random.random() for _ in range(9)}), 'PYTHONPATH' in os.environ)"
    )
    work.start()
    work.wait(LONG)

    assert work.stdout == "9 False\n"
    assert work.tweaked is None
    assert work.untweaked_reason is None
