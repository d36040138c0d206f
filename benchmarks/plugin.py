"""What the installed, unused plugin costs: the import that every pytest run pays, against one without it."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

ROUNDS = 15
CODE = """
import pytest, time
began = time.process_time()
{what}
print(time.process_time() - began)
"""
PEERS = {
    "nothing": "pass",
    "pytest-resilience": "import pytest_resilience.plugin",
    "pytest-timeout": "import pytest_timeout",
    "pytest-xdist": "import xdist.plugin",
    "hypothesis": "import _hypothesis_pytestplugin",
}


def cost(what: str) -> float:
    """Return the seconds of processor time of one import, in a new process that has imported pytest."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(what=what)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    rounds: dict[str, list[float]] = {name: [] for name in PEERS}
    for _ in range(ROUNDS):
        for name, what in PEERS.items():
            rounds[name].append(cost(what) * 1000)
    table = {name: statistics.median(costs) for name, costs in rounds.items()}
    print(f"{'plugin':<20} {'ms':>8}")
    for name, milliseconds in table.items():
        print(f"{name:<20} {milliseconds:>8.2f}")
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "plugin.json").write_text(json.dumps({"unit": "ms", "median": table}, indent=2))


if __name__ == "__main__":
    main()
