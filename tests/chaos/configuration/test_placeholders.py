"""Templates are filled by name; a brace is written twice, and a mistake is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_resilience.chaos.configuration.placeholders import fill, fill_command, mistakes, placeholders

VALUES = {"dsn": "postgresql://u:p{w}@h/d", "port": 5432}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{dsn}", "postgresql://u:p{w}@h/d"),
        ("host:{port}/{port}", "host:5432/5432"),
        ('{{"port": {port}}}', '{"port": 5432}'),
        ("{{port}}", "{port}"),
        ("{{{port}}}", "{5432}"),
        ("", ""),
    ],
)
def test_fill(template: str, expected: str) -> None:
    """Values go in as they are, and are not read as templates again."""
    assert fill(template, VALUES) == expected


@given(text=st.text(alphabet="{}ab \\'\""))
def test_doubled_braces_are_braces(text: str) -> None:
    """Any text stands for itself once its braces are doubled."""
    doubled = text.replace("{", "{{").replace("}", "}}")

    assert fill(doubled, {}) == text
    assert placeholders(doubled) == ()
    assert mistakes(doubled, ()) == []


@given(template=st.text(alphabet="{}ab"))
def test_what_has_no_mistake_can_be_filled(template: str) -> None:
    """The check at the start and the filling later agree."""
    known = {"a": "1", "b": "2", "ab": "3"}
    wrong = mistakes(template, list(known))

    if wrong:
        with pytest.raises(ValueError, match=r"alone|no placeholder"):
            fill(template, known)
    else:
        fill(template, known)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{prot}", "{prot} is no placeholder here: did you mean 'port'? known are dsn, port"),
        ("{}", "{} is no placeholder here"),
        ("{port", "a '{' stands alone"),
        ("port}", "a '}' stands alone"),
        ("{{port}", "a '}' stands alone"),
        ("{port!r}", "{port!r} is no placeholder here: did you mean 'port'?"),
    ],
)
def test_mistakes(template: str, message: str) -> None:
    """A wrong name comes with the nearest one."""
    assert [each.startswith(message) for each in mistakes(template, ("dsn", "port"))] == [True]


def test_a_value_stays_one_word() -> None:
    """A text is split before it is filled; a list is not split."""
    values = {"python": "/opt/my python", "port": 1}

    assert fill_command("{python} -m 'a b' --port={port}", values) == (
        "/opt/my python",
        "-m",
        "a b",
        "--port=1",
    )
    assert fill_command(["{python}", "a b"], values) == ("/opt/my python", "a b")
