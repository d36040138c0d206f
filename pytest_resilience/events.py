"""Events: frozen facts in the past tense that the runtime tells its listeners."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Listener: TypeAlias = Callable[[Any], None]
"""Called with one event. It must be quick; an exception that it raises never reaches the caller's code."""
