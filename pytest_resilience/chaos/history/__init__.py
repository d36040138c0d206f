"""Check a history of reads and writes for what no sound store does: lost, doubled, phantom, torn, stale.

Write down what clients did and how each call ended, then ask:

    from pytest_resilience.chaos.history import Operation, check

    history = [
        Operation(process=1, kind="write", key="stay 7", value="ward", began=0.0, ended=0.1, outcome="ok"),
        Operation(process=1, kind="write", key="stay 7", value="icu", began=0.2, ended=0.3, outcome="unknown"),
        Operation(process=2, kind="read", key="stay 7", value=("icu", "icu"), began=0.4, ended=0.5, outcome="ok"),
    ]
    assert [anomaly.kind for anomaly in check(history)] == ["doubled"]

An `unknown` outcome is a call that may have taken effect, then or at any time later: a reply that never came, a
process that was killed. It is never an anomaly by itself, whichever way it went.

What is meant, of one key, where a write replaces what was there:

- lost: a write that was answered `ok` is gone for good. Reads that began after it see what it replaced, or nothing,
  and so does the last one.
- stale: a read sees what had been replaced before the read began, and a later read sees that it was.
- doubled: a read finds more than one row under the key.
- phantom: a read finds a value that nobody wrote, whose write failed, or was not begun when the read had ended.
- torn: of several writes that belong together (one `unit`, a transaction), one snapshot (reads of one `unit`) sees a
  part, and of another part what was there before.

`lost` and `stale` are exact for values that are written once a key: the history of a key has neither just when there
is one order of its operations, each at some moment between its beginning and its end, that explains all reads
(linearizability; by zones, Gibbons and Korach, "Testing shared memories", SIAM J. Comput. 26, 1997). Where a value is
written twice under one key, reads of it are taken for whichever write excuses them.
"""

from __future__ import annotations

from pytest_resilience.chaos.history.anomaly import Anomaly
from pytest_resilience.chaos.history.check import check
from pytest_resilience.chaos.history.operation import Operation

__all__ = ["Anomaly", "Operation", "check"]
