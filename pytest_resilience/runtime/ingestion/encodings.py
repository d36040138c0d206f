"""Text encodings by both names: Python's, and the one that PostgreSQL's COPY takes."""

from __future__ import annotations

import codecs

from pytest_resilience.errors import FatalError

POSTGRES_NAMES = {
    "utf-8": "UTF8",
    "utf-8-sig": "UTF8",
    "ascii": "UTF8",
    "iso8859-1": "LATIN1",
    "iso8859-2": "LATIN2",
    "iso8859-15": "LATIN9",
    "cp1250": "WIN1250",
    "cp1251": "WIN1251",
    "cp1252": "WIN1252",
    "koi8-r": "KOI8R",
    "euc_jp": "EUC_JP",
    "euc_kr": "EUC_KR",
    "shift_jis": "SJIS",
    "gbk": "GBK",
    "big5": "BIG5",
}
"""In all of them a newline, a quote and a comma are single bytes that occur in no other character."""


def postgres_name(encoding: str) -> str:
    """Return PostgreSQL's name for an encoding.

    Raises:
        FatalError: it is none that a CSV file can be cut in.
    """
    try:
        return POSTGRES_NAMES[codecs.lookup(encoding).name]
    except LookupError as error:
        raise FatalError(
            f"encoding {encoding!r} cannot be ingested; convert the file to UTF-8, or use one of "
            f"{', '.join(POSTGRES_NAMES)}"
        ) from error
