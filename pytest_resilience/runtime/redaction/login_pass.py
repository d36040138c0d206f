"""Tell the `pass` of a login (`DB_PASS`, `smtpPass`, `pass`) from that of a run (`first_pass`)."""

from __future__ import annotations

import re

from pytest_resilience.runtime.redaction.rule import words

_LOGINS = words("db database pg postgres mysql redis smtp mail ldap ftp ssh http proxy user admin root app")
_RUNS = words(
    "first second third fourth last next each every one two single multi forward backward training test tests checks"
    " all a the this per by to can cannot must should will would could might may did not no let lets they it"
)
"""What stands before a `pass` that is a run or a verb."""

_BEFORE = re.compile(r"(?:[A-Z]?[a-z]{1,24}|[A-Z]{1,24})(?=[\W_]{0,3}(?i:pass)\Z)")


def is_password(name: str) -> bool:
    """Tell whether what stands under this name is a password."""
    if not name.lower().endswith("pass"):
        return False
    before = _BEFORE.search(name[-32:])
    word = before[0].lower() if before else ""
    apart = name[-4:] == "Pass" or not name[:-4] or name[-5] in "_-. "
    return word in _LOGINS or (apart and word not in _RUNS)
