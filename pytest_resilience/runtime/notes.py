"""The notes of an exception (PEP 678), which foreign code may have replaced by anything."""

from __future__ import annotations

from typing import Any


def notes_of(error: BaseException) -> list[Any]:
    """Return them; none where they are not a sequence, or cannot be read."""
    try:
        notes = getattr(error, "__notes__", None)
    except Exception:  # noqa: BLE001 - a foreign property that raises has no notes to tell
        return []
    return list(notes) if isinstance(notes, (list, tuple)) else []
