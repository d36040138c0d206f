"""How far a file is loaded: JSON in a file beside the job."""

import json
from pathlib import Path

FILE = Path("position.json")


def read() -> int:
    """Return the position that was reached, 0 at first."""
    if not FILE.exists():
        return 0
    with FILE.open(encoding="utf-8") as stream:
        return int(json.load(stream)["position"])


def save(position: int) -> None:
    """Remember a position."""
    with FILE.open("w", encoding="utf-8") as stream:
        json.dump({"position": position}, stream)
