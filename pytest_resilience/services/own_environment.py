"""This process's environment for a child, as a copy.

A child that is given none reads its parent's own at `exec`, after the parent's other threads went on: one that sets a
variable at that moment moves it away, and `exec` fails with EFAULT (execve(2)), or the child gets half of it.
"""

from __future__ import annotations

import os


def own_environment() -> dict[str, str]:
    """Return a copy of this process's environment, which other threads may be changing."""
    while True:
        try:
            return dict(os.environ)
        except (KeyError, RuntimeError):  # another thread took a variable away, or set one, during the copy
            continue
