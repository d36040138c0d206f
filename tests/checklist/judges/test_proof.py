"""What counts as a run that worked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from seen_runs import fault, run

from pytest_resilience.chaos.run.record import CallRecord
from pytest_resilience.checklist.judges.proof import worked

MET, LATER = (
    CallRecord(number=number, began=began, ended=began + 0.1, outcome="200")
    for number, began in ((1, 0.4), (2, 1.0))
)


@pytest.mark.parametrize(
    ("calls", "told_to_end", "healed_at", "outcome"),
    [
        ((MET, LATER), True, 0.9, True),
        ((MET, replace(LATER, ended=None, outcome="blocked")), True, 0.9, True),
        ((replace(MET, ended=None, outcome="blocked"), LATER), True, 0.9, False),
        ((MET, replace(LATER, ended=None, outcome="blocked")), False, 0.9, False),
        ((MET, replace(LATER, ended=None, outcome="blocked")), True, 1.1, False),
        ((MET, replace(LATER, outcome="500")), True, 0.9, False),
    ],
)
def test_a_request_that_our_end_of_the_server_cut_off_has_not_failed(calls, told_to_end, healed_at, outcome):
    """Where it met no fault any more; one that did was waited for."""
    seen = run(calls=calls, faults=[fault(healed_at=healed_at)])
    seen = replace(seen, processes=tuple(replace(one, told_to_end=told_to_end) for one in seen.processes))

    assert worked(seen) == outcome
