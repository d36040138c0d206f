"""How often is a series of waits taken for another? Models of growth and jitter, simulated as the gate would see them.

    python benchmarks/backoff_verdicts.py [SERIES]

Exact waits are what a process waits whose random draws answer their midpoint; free ones are drawn anew in each episode,
and as many episodes are taken as the judge asks for. For each model the table shows the part of the series that passed,
failed, and stayed unproven. Wrong is a pass of waits that do not grow geometrically (with fewer than five free waits
linear ones pass with a warning, as designed), or a failure of waits that do. The target is at most 1 % in every row.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "checklist" / "judges"))

from drawn_waits import JITTER, Midpoint, waits

from pytest_resilience.checklist.judges.backoff.growth import growth_of
from pytest_resilience.checklist.judges.backoff.statistics import free_growth
from pytest_resilience.checklist.thresholds import EPISODES, EPISODES_FOR_STATISTICS, GAPS_FOR_LINEAR

NOISE = 0.05
"""Of the first wait."""
TARGET = 0.01
NEVER = 1e9
RESULTS = Path(__file__).parent / "results" / "backoff_verdicts.json"
GEOMETRIC = {"exponential", "tripling"}
MODELS = (
    *(("exponential", jitter, cap) for jitter in (*JITTER, "decorrelated") for cap in (NEVER, 10.0)),
    *(("tripling", jitter, NEVER) for jitter in JITTER),
    *(("linear", jitter, cap) for jitter in JITTER for cap in (NEVER, 4.0)),
    *((growth, jitter, NEVER) for growth in ("constant", "immediate", "shrinking") for jitter in JITTER),
)


def exact(draw: random.Random, growth: str, jitter: str, count: int, cap: float) -> str:
    """Return what one exact series is taken for."""
    series = waits(growth, jitter, count, Midpoint(), cap=cap)
    noise = NOISE * (series[0] or 1.0)
    return growth_of([wait + draw.uniform(0, noise) for wait in series], noise=noise).kind


def free(draw: random.Random, growth: str, jitter: str, count: int, cap: float) -> str:
    """Return what free episodes are taken for, as many as are wanted."""
    seen: list[list[float]] = []
    more, kind, target = True, "", EPISODES
    while more:
        seen += [
            waits(growth, jitter, count, draw, cap=cap, noise=NOISE / 2) for _ in range(target - len(seen))
        ]
        found, more = free_growth(seen, noise=NOISE / 2)
        kind, target = found.kind, max(EPISODES_FOR_STATISTICS, target + EPISODES_FOR_STATISTICS)
    return kind


def rows(series: int) -> Iterator[dict[str, object]]:
    """Yield one row for each mode, model and number of waits."""
    modes: tuple[tuple[str, Callable[..., str], tuple[int, ...]], ...] = (
        ("exact", exact, (3, 4, 5, 7)),
        ("free", free, (3, 5, 7)),
    )
    for mode, judge, counts in modes:
        for growth, jitter, cap in MODELS:
            for count in counts:
                draw = random.Random(f"{mode}{growth}{jitter}{cap}{count}")
                kinds = Counter(judge(draw, growth, jitter, count, cap) for _ in range(series))
                yield _row(mode, growth, jitter, cap, count, kinds)


def _row(
    mode: str, growth: str, jitter: str, cap: float, count: int, kinds: Counter[str]
) -> dict[str, object]:
    total = kinds.total()
    passed, unproven = kinds["geometric"] / total, kinds["unclear"] / total
    failed = 1 - passed - unproven
    warned = mode == "free" and growth == "linear" and count < GAPS_FOR_LINEAR
    wrong = failed if growth in GEOMETRIC else 0.0 if warned else passed
    return {
        "mode": mode,
        "growth": growth,
        "jitter": jitter,
        "cap": None if cap == NEVER else cap,
        "waits": count,
        "passed": passed,
        "failed": failed,
        "unproven": unproven,
        "wrong": wrong,
    }


def main() -> int:
    """Print the table, write the numbers, and tell whether every row keeps the target."""
    series = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    found = []
    print(
        f"{'mode':6}{'growth':13}{'jitter':14}{'cap':>5}{'waits':>6}{'passed':>8}{'failed':>8}{'open':>7}{'wrong':>7}"
    )
    for row in rows(series):
        found.append(row)
        print(
            f"{row['mode']:6}{row['growth']:13}{row['jitter']:14}{row['cap'] or '-':>5}{row['waits']:>6}"
            f"{row['passed']:>8.1%}{row['failed']:>8.1%}{row['unproven']:>7.1%}{row['wrong']:>7.1%}",
            flush=True,
        )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"series": series, "rows": found}, indent=1) + "\n", encoding="utf-8")
    worst = max(row["wrong"] for row in found)  # type: ignore[type-var]
    print(f"worst: {worst:.1%}, target: at most {TARGET:.0%}")
    return 0 if worst <= TARGET else 1  # type: ignore[operator]


if __name__ == "__main__":
    sys.exit(main())
