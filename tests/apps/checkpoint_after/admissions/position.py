"""How far a file is loaded: a number in a file beside the job."""

from pathlib import Path

FILE = Path("position.txt")


def read() -> int:
    """Return the position that was reached, 0 at first."""
    return int(FILE.read_text(encoding="utf-8")) if FILE.exists() else 0


def save(position: int) -> None:
    """Remember a position."""
    fresh = FILE.with_suffix(".new")
    fresh.write_text(f"{position}\n", encoding="utf-8")
    fresh.replace(FILE)
