"""The help in an error about a name that nobody knows: the nearest known one, and all that there are."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `did you mean X? known are A, B, C`, for the end of a message."""
    names = [str(name) for name in known]
    if not names:
        return "none is known"
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known are {', '.join(names)}"
