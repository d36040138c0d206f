"""Every number that a verdict depends on, with its source.

"Policy" is the deployment checklist and its default settings; "design" is what was measured on prototypes when the
experiments were designed; "simulated" is what the tests beside the judges simulate, each wrong verdict at most 1 %.
"""

from __future__ import annotations

BLOCKED_DEADLINES = 2.0
"""Item 1: still running at so many times its deadline is blocked (design)."""

LEAST_ATTEMPTS = 3
"""Item 2: attempts of one operation, the first included, that show a series of waits (design)."""

MOST_ATTEMPTS = 10
"""Item 2: more for one operation means that layers multiply, 3 x 4 is already 12 (design)."""

GROWTH_FACTOR = 1.7
"""Item 2: from one exact wait to the next; 2 is usual, linear waits reach it in their first step alone (design)."""

STEP_GROWTH = 1.1
"""Item 2: how much the differences of exact waits grow, noise at its worst, where the factor is less than 1.7
(decorrelated jitter at its midpoint 1.5, a constant plus a doubling one 2); linear waits have 1 (simulated)."""

CAP_SAMENESS = 0.1
"""Item 2: exact waits so close to each other, as a part, are the same (simulated)."""

CLOCK_NOISE = 0.01
"""Item 2: real seconds by which a wait may be off, from the scheduler and the proxy, on 2 cores (design)."""

PATIENCE = 3.0
"""Item 2: times the longest silence between tries that nobody waits for, after which none comes (waits double)."""

LEAST_PATIENCE, FIRST_PATIENCE = 3.0, 10.0
"""Item 2: seconds of that silence at least, and where one try alone is known (a first wait is seldom longer)."""

TURN_SAMENESS = 0.4
"""Item 2: the part by which the time between a poll's turns may differ where it fails (a failure takes longer)."""

CLEAN_ROUND_TRIPS = 5.0
"""Item 2: the first wait is at least so many clean round trips, else the waits drown in them (design)."""

PINNED_RUNS = 5
"""Item 2: exact runs, of which each wait's least is taken, before noise is let stand (a busy machine is late)."""

EPISODES = 10
"""Item 2: free episodes before anything is said of waits that could not be made exact (design)."""

EPISODES_FOR_STATISTICS = 80
"""Item 2: free episodes before growth is judged by statistics; 10 pass linear waits in 6 to 23 % (design)."""

MOST_EPISODES = 400
"""Item 2: then `unproven` is said (simulated: full jitter with three waits needs about 340)."""

GAPS_FOR_LINEAR = 5
"""Item 2: with fewer free waits linear ones are a warning, statistics cannot tell (design: 60 % wrong with 3)."""

SURE = 3.0
"""Item 2: standard errors from the line that make a statistic sure, over repeated looks (simulated)."""

SURELY_BENT = 3.9
"""Item 2: the same for the bend that geometric waits have, looked for up to several caps (simulated)."""

FREE_GROWTH = 1.35
"""Item 2: the last free wait against the first, on average, that is growth at all (simulated)."""

JITTER_NOISE = 2.0
"""Item 2: waits that differ between episodes by more than so many clock noises have jitter."""

JITTER_PART = 0.2
"""Item 2: the part of the longest wait that a usual jitter of a tenth each way spans; noise of that size hides it."""

RETRY_AFTER_EARLY = 0.05
"""Item 2: the part of `Retry-After` by which a client may come early (clocks that are rounded to ticks)."""

REDONE_PART = 0.25
"""Item 4: the part of all rows that may be sent again after a restart where batches are not known (design)."""

PARSED_LINES = 0.95
"""Item 5: the part of a logger's lines that parse; the rest are stray prints (design)."""

RECORD_FACTS = 6
"""Item 5: how many of the eight facts an error's record carries (design)."""

MOST_LINES = 1000
"""Item 5: lines one fault may cause before the log is a flood (design)."""

BACK_WITHIN = 65.0
"""Item 1: seconds after the heal within which a server answers again: a reset period of 60 s, and a call, ..."""

CALLS_AFTER = 3
"""... and how many requests have to have been answered in that time, at least (design)."""

BREAKER_CALLS = 50
"""Item 8: calls of one experiment, at a fixed pace (design)."""

BREAKER_FAILURES = 20
"""Item 8: after so many failures at most requests stop; usual thresholds are 5 to 10 (policy: 5)."""

FAST_FAILURE = 0.05
"""Item 8: seconds in which a call is refused by an open breaker (design) ..."""

FAST_PART = 0.1
"""... or this part of the time that a failing call takes."""

OTHER_WORK = 2.0
"""... or this many times what a call that succeeds after the heal takes beside its requests to the service: on a busy
machine, or before a slow database, a refusal takes that too."""

SLOW_PART = 0.5
"""Item 8: the part of refusals that may take longer: a busy machine delays some, waiting inside delays all (13 of 45
at load 12 seen)."""

TRIALS_AT_ONCE = 3
"""Item 8: requests that an open breaker lets through at once; libraries allow one, some a few (design)."""

RESET_PERIODS = 2.0
"""Item 8: reset periods after the heal within which calls are normal again (design)."""

MESSAGE_FACTS = 4
"""Item 9: of what failed, where, why, what to do next, and an identifier (design)."""

MESSAGE_FACTS_TOO_FEW = 2
"""Item 9: so many, or fewer, fail; between the two it is not proven (design)."""
