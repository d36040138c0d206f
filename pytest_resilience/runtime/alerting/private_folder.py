"""Make a folder that only its owner can enter, and so every folder on the way that is missing."""

from __future__ import annotations

from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Make it, unless it is there.

    Raises:
        OSError: if it cannot be made.
    """
    for missing in [*(parent for parent in reversed(folder.parents) if not parent.exists()), folder]:
        missing.mkdir(mode=0o700, exist_ok=True)
