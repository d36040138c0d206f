"""Judge free text: what looks like a person's name, a day, or a long number passes only if it is known to be none."""

from __future__ import annotations

import re
import unicodedata

from pytest_resilience.runtime.redaction.identifiers import DATE, MONTHS
from pytest_resilience.runtime.redaction.rule import CAPITALS, DIGITS, Rule, mark, words
from pytest_resilience.runtime.redaction.vocabulary import DERIVED, GIVEN_NAMES, PASSING_WORDS

_UPPER = "A-ZÀ-ÖØ-Þ"
_LOWER = "a-zß-öø-ÿ"
_APOSTROPHE = "['\u2019]"
_WORD = (
    rf"(?:[{_UPPER}](?:{_APOSTROPHE}[{_UPPER}])?[{_LOWER}]+(?:(?:-|{_APOSTROPHE})[{_UPPER}]?[{_LOWER}]+)?"
    rf"|[{_UPPER}]\.)"
)
_GAP = "[ \\t\u00a0\u2009\u202f]{1,3}"
"""Between the words of a name: also what keeps it on one line, and what lines up columns."""
_PARTICLE = r"(?:van|von|de|del|der|den|da|di|la|le|bin|al) "
_RUN = rf"(?<![\w./\\:@-]){_WORD}(?:(?:,?{_GAP}| ,)(?:{_PARTICLE})?{_WORD}){{0,5}}(?![\w/\\(=@]|\.\w|::)"
_CAPITALS = (
    rf"(?<![\w.])[{_UPPER}][{_UPPER}']+(?:(?P<comma>,(?:{_GAP})?)|(?P<caret>\^)|{_GAP})"
    rf"[{_UPPER}][{_UPPER}']+(?:[\^ ][{_UPPER}]*)?"
    r"(?![\w(=.])"
)
_WORDS = re.compile(_WORD)

_MEASURES = (
    r"rows?|lines?|ports?|pid|offset|bytes?|size|total|counts?|errno|oid|xid|position|attempts?|time ?out|length"
    r"|batch|version|rev|revision|page|block|lsn|thread|process"
)
_UNITS = (
    r"rows?|records?|bytes?|[kmgt]i?b|ms|us|ns|s|seconds?|minutes?|lines?|events?|alerts?|messages?|requests?"
)


def _names(match: re.Match[str]) -> str:
    unknown = [word for word in _WORDS.finditer(match[0]) if not _passes(word[0])]
    if not unknown:
        return match[0]
    plain = [_without_accents(word[0].lower()) for word in unknown]
    first = match.start() + unknown[0].start()
    before = max(0, match.start() - 24), match.start()
    inside = max(match.start(), first - 12), first
    cued = (
        _CUED.search(match.string, *before)
        or _TITLED.search(match.string, *inside)
        or (not plain[0].endswith(DERIVED) and _PATIENT.search(match.string, *inside))
    )
    if not (cued or _are_person(plain)):
        return match[0]
    return match[0][: unknown[0].start()] + mark("name") + match[0][unknown[-1].end() :]


def _are_person(names: list[str]) -> bool:
    strange = [word for word in names if word in GIVEN_NAMES or not word.endswith(DERIVED)]
    return len(strange) > 1 or any(word in GIVEN_NAMES for word in strange)


def _without_accents(word: str) -> str:
    return word if word.isascii() else unicodedata.normalize("NFD", word).encode("ascii", "ignore").decode()


def _passes(word: str) -> bool:
    plain = word.lower()
    return (
        plain in PASSING_WORDS or plain in _TITLES or all(part in PASSING_WORDS for part in plain.split("-"))
    )


def _capitals(match: re.Match[str]) -> str:
    names = [word.lower() for word in re.split(r"[\^,\s]+", match[0]) if word]
    strange = not any(name in PASSING_WORDS for name in names)
    known = any(name in GIVEN_NAMES for name in names)
    return mark("capitals") if match["caret"] or known or (match["comma"] and strange) else match[0]


_CUED = re.compile(
    r"\b(?:patient|pt|name|named|called|mr|mrs|ms|miss|dr|doctor|nurse|prof|sir|user)\b\.?[\s:=\"'(]{0,3}\Z",
    re.IGNORECASE,
)
_TITLES = words("mr mrs ms miss dr prof sir")
_TITLED = re.compile(rf"\b(?:{'|'.join(_TITLES)}){_GAP}\Z", re.IGNORECASE)
_PATIENT = re.compile(rf"\b(?:Patient|Nurse|Doctor){_GAP}\Z")
"""What begins a sentence, and the run of capitals that the name is in."""

_MEASURED = re.compile(rf"\b(?:{_MEASURES})\W{{1,3}}(?:of |is |to |was )?\Z", re.IGNORECASE)
_UNIT = re.compile(rf"\s?(?:{_UNITS})\b", re.IGNORECASE)


def _number(match: re.Match[str]) -> str:
    text, start = match.string, match.start()
    known = _MEASURED.search(text, max(0, start - 24), start) or _UNIT.match(text, match.end())
    return match[0] if known else mark("number")


JUDGEMENT_RULES = (
    Rule(
        "date",
        re.compile(rf"(?<![\w/.\-]){DATE}(?![\w/-]|\.\d|[T ]\d{{1,2}}:\d\d)", re.IGNORECASE),
        when=MONTHS | {DIGITS},
        certain=False,
    ),
    Rule(
        "number",
        re.compile(r"(?<![\w.:/+-])\d{6,}(?![\w.:/-]*\w)"),
        _number,
        when=frozenset(DIGITS),
        certain=False,
    ),
    Rule("capitals", re.compile(_CAPITALS), _capitals, when=frozenset(CAPITALS), certain=False),
    Rule("name", re.compile(_RUN), _names, when=frozenset(CAPITALS), certain=False),
)
"""Judgements: each may be wrong, and errs towards taking out."""
