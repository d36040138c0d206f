"""How a secret looks in texts that are encoded: in a URL, in JSON, in the middle of base64."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

LEAST = 8
"""Characters of base64 that are taken for a secret; fewer may stand there by chance."""
_URL_SAFE = str.maketrans("+/", "-_")


def base64_forms(secret: str) -> frozenset[str]:
    """Return what base64 makes of a secret, wherever it begins: `user:secret` of HTTP's basic authentication, too."""
    plain = secret.encode()
    found: set[str] = set()
    for before in range(3):
        code = base64.b64encode(bytes(before) + plain).decode().rstrip("=")
        whole = len(code) if (before + len(plain)) % 3 == 0 else len(code) - 1
        inner = code[(before * 8 + 5) // 6 : whole]
        if len(inner) >= LEAST:
            found |= {inner, inner.translate(_URL_SAFE)}
    return frozenset(found)


def forms(secret: str) -> frozenset[str]:
    """Return a secret as it may stand in a text; nothing of an empty one."""
    if not secret:
        return frozenset()
    return frozenset({secret, quote(secret, safe=""), json.dumps(secret)[1:-1], *base64_forms(secret)})
