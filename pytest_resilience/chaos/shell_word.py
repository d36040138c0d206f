"""A text as one word of a command line that people copy into a shell."""

from __future__ import annotations

import re
import shlex

_SPECIAL = re.compile(r"""["$`\\!]""")
"""What a shell does not leave alone between double quotes."""


def shell_word(text: str) -> str:
    """Return a text in double quotes, which read best; where a shell would change something in them, in others."""
    return shlex.quote(text) if _SPECIAL.search(text) else f'"{text}"'
