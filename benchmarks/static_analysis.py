"""How much of a labelled set do the static checks read as a person does, and how fast?

    python benchmarks/static_analysis.py [ROUNDS]

The rules were tuned on one half of the set; the other is sealed: it is measured, and never looked into. Recall is the
part of the labelled lines that is found as labelled (state, and retry, breaker and time limit where labelled);
precision the part of what is found that is as labelled. Time is the process's own, per 1,000 lines, the median of the
rounds, on the set and on the runtime of this project.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from pytest_resilience.checklist.static import analyse

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "static_analysis.json"


def labelled_set():
    path = ROOT / "tests" / "checklist" / "static" / "labels.py"
    spec = importlib.util.spec_from_file_location("static_labels", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["static_labels"] = module
    spec.loader.exec_module(module)
    return module


def per_thousand_lines(work, rounds):
    """Return milliseconds per 1,000 lines; the work returns how many lines it read."""
    samples = []
    for _ in range(rounds):
        before = time.process_time()
        lines = work()
        samples.append((time.process_time() - before) / lines * 1e6)
    return round(statistics.median(samples), 1)


def main(rounds):
    labels = labelled_set()
    results = {}
    print(f"{'half':10}{'labels':>8}{'found':>8}{'recall':>9}{'precision':>11}{'ms / 1,000 lines':>19}")
    for half in labels.HALVES:
        with tempfile.TemporaryDirectory() as folder:
            score = labels.score(half, Path(folder))
            speed = per_thousand_lines(
                lambda half=half, to=folder: labels.score(half, Path(to)).lines, rounds
            )
        results[half] = {
            "labels": score.labels,
            "found": score.sites,
            "recall": round(score.recall, 3),
            "precision": round(score.precision, 3),
            "ms_per_1000_lines": speed,
        }
        print(
            f"{half:10}{score.labels:8}{score.sites:8}{score.recall:9.3f}{score.precision:11.3f}{speed:19.1f}"
        )
    speed = per_thousand_lines(lambda: analyse(ROOT, ["pytest_resilience/runtime"]).coverage.lines, rounds)
    results["runtime"] = {"ms_per_1000_lines": speed}
    print(f"{'the runtime':46}{speed:19.1f}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
