"""Take out a value behind the name of a sensitive field where no `=` or `:` is between: options, pairs, elements."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pytest_resilience.runtime.redaction.fields import QUOTED
from pytest_resilience.runtime.redaction.keys import kind_of_key
from pytest_resilience.runtime.redaction.rule import Rule, mark, words

_USER = words("-u -U --user --proxy-user")
"""Options whose value is a name and, behind a colon, a password."""

_PROSE = words("a an and are argument but can cannot flag for given has in is may missing must needs not option or"
               " required requires the to was with")  # fmt: skip
"""What follows the name of an option in a sentence about it."""

_QUOTE = r"\\{0,8}[\"']"
_OPTION = re.compile(
    rf"(-(?<![\w\-]-)(?:-[A-Za-z][\w\-]{{0,47}}|[uU]))((?:{_QUOTE})?,?\s{{1,8}}|{_QUOTE},\s{{0,8}})"
    rf"(?!\[redacted)({QUOTED}|[^\s,;\"')\]]+)"
)
_PAIR = re.compile(
    rf"([(\[](?:(?<=[(\[{{,].)|(?<=,\s.))b?{_QUOTE}([\w.\- ]{{1,48}}){_QUOTE},\s?b?+)(?!\[redacted)"
    rf"({QUOTED}|[^,)\]\s]+)(?=\s?[)\]]|\Z)"
)
_ELEMENT = re.compile(r"<(?P<name>(?:[\w.\-]{1,48}:)?(?P<plain>[\w.\-]{1,48}))(?:\s[^<>]{0,512})?>")
_REST = re.compile(r"(?:(?=[^\s,.:;)\]'\"])[^<\n]+)?")


def without_secret(option: str, value: str, kind_of: Callable[[str], str | None] = kind_of_key) -> str:
    """Return what follows this one on a command line, without what may not be shown.

    Args:
        option: the argument before it.
        value: the argument.
        kind_of: says of a field's name why its value never passes, or None.
    """
    if not option.startswith("-") or value.startswith("-"):
        return value
    if kind := kind_of(option.lstrip("-")):
        return mark(kind)
    user, _, password = value.partition(":")
    is_id = user.isdecimal() and password.isdecimal()
    if option not in _USER or not password or is_id or password.startswith("[redacted"):
        return value
    return f"{user}:{mark('secret')}"


def _option(match: re.Match[str]) -> str:
    value = match[3].strip("\\\"'")
    shown = value if value.lower() in _PROSE else without_secret(match[1], value)
    return match[0] if shown == value else f"{match[1]}{match[2]}{shown}"


def _pair(match: re.Match[str]) -> str:
    kind = kind_of_key(match[2])
    return f"{match[1]}{mark(kind)}" if kind else match[0]


@dataclass(frozen=True, slots=True)
class ElementRule:
    """Replace what an XML element holds whose name is that of a sensitive field."""

    name: str = "element"
    when: frozenset[str] = frozenset("<")
    certain: bool = True

    def apply(self, text: str) -> str:
        """Return the text with such elements emptied; of one that does not end, the rest of the line goes."""
        return "".join(_without_content(text))


def _without_content(text: str) -> Iterator[str]:
    done, endless = 0, set()
    for tag in _ELEMENT.finditer(text):
        kind = kind_of_key(tag["plain"]) if tag.start() >= done else None
        if kind is None:
            continue
        end = -1 if tag["name"] in endless else text.find(f"</{tag['name']}", tag.end())
        if end < 0:
            endless.add(tag["name"])
            end = max(tag.end(), match.end() if (match := _REST.match(text, tag.end())) else 0)
        if end > tag.end() and not text.startswith("[redacted:", tag.end()):
            yield text[done : tag.end()] + mark(kind)
            done = end
    yield text[done:]


NAMED_RULES = (
    Rule("option", _OPTION, _option, when=frozenset("-")),
    Rule("pair", _PAIR, _pair, when=frozenset("([")),
    ElementRule(),
)
"""Fields in other forms than `name=value`."""
