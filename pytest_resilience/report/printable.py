"""Texts for people's screens: a name from the tested code must not move a cursor, or start a line of its own."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return the text as one line in which every character shows itself."""
    joined = " ".join(text.split())
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in joined
    )


def sentence(text: str) -> str:
    """Return the text with a mark at its end, so that another one can follow."""
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."
