"""The machine's own time and waits, as they were before they were changed."""

from __future__ import annotations

import time as _time

monotonic = _time.monotonic
monotonic_ns = _time.monotonic_ns
perf_counter = _time.perf_counter
perf_counter_ns = _time.perf_counter_ns
time = _time.time
time_ns = _time.time_ns
sleep = _time.sleep
localtime = _time.localtime
gmtime = _time.gmtime
strftime = _time.strftime
asctime = _time.asctime
ctime = _time.ctime
clock_gettime = getattr(_time, "clock_gettime", None)
clock_gettime_ns = getattr(_time, "clock_gettime_ns", None)
