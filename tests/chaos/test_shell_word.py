"""What stands in a command that people copy comes through the shell as it is."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_resilience.chaos.shell_word import shell_word


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@example('50% | <b>html</b> ::error&& "quotes"')
@example("pays $(touch pwned) `touch pwned` \\ ${HOME} !! it's [x]\n")
def test_a_shell_reads_it_as_it_is(text: str) -> None:
    """Nothing is executed, and nothing is parted."""
    command = f"printf %s {shell_word(text)}"
    said = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True).stdout

    assert said == text.encode()


@pytest.mark.parametrize("text", ["scenarios/x.yaml::The reply is lost, it's late", "a::b[1-é] & (c) #; *?"])
def test_ordinary_words_read_well(text: str) -> None:
    """Double quotes are enough for them."""
    assert shell_word(text) == f'"{text}"'
