"""How far a file is loaded: a number in a file beside the job."""

import re
from pathlib import Path

FILE = Path("position.txt")


def read() -> int:
    """Return the position that was reached, 0 at first."""
    try:
        return int(re.sub(r"\D", "", FILE.read_text(encoding="utf-8", errors="ignore")) or 0)
    except FileNotFoundError:
        return 0


def save(position: int) -> None:
    """Remember a position."""
    fresh = FILE.with_suffix(".new")
    fresh.write_text(f"{position}\n", encoding="utf-8")
    fresh.replace(FILE)
