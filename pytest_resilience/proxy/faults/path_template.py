"""A method and a path in which `{x}` stands for one segment."""

from __future__ import annotations

import re
from urllib.parse import unquote


class PathTemplate:
    """Recognise requests.

    Args:
        text: such as `POST /runs/{id}`; `*` is any method.

    Raises:
        ValueError: it is not a method and a path.
    """

    def __init__(self, text: str) -> None:
        __tracebackhide__ = True
        method, _, path = text.strip().partition(" ")
        path = path.strip().partition("?")[0]
        if not re.fullmatch(r"[A-Za-z]+|\*", method) or not path.startswith("/"):
            raise ValueError(f"{text!r} is not a method and a path, such as 'POST /runs/{{id}}'")
        self.method = method.upper()
        self.path = path
        pieces = (
            r"[^/]+" if re.fullmatch(r"\{[^{}/]*\}", piece) else re.escape(unquote(piece))
            for piece in re.split(r"(\{[^{}/]*\})", path)
        )
        self._pattern = re.compile("".join(pieces))

    @property
    def text(self) -> str:
        """The template as it was given, its method in capitals."""
        return f"{self.method} {self.path}"

    def named(self, method: str) -> str:
        """Return the template for a request with this method."""
        return f"{method} {self.path}"

    def matches(self, method: str, path: str) -> bool:
        """Tell whether it stands for such a request.

        Args:
            method: in capitals.
            path: the request's target, without its query.
        """
        if self.method not in {"*", method}:
            return False
        if self._pattern.fullmatch(unquote(path)) is not None and "%2F" not in path.upper():
            return True
        segments = (unquote(segment).replace("/", "\0") for segment in path.split("/"))
        return self._pattern.fullmatch("/".join(segments)) is not None


_SECRET_FREE = re.compile(r"[A-Za-z][A-Za-z_.-]{0,39}|v\d{1,3}|\d{1,2}\.\d{1,2}")


def path_shape(path: str) -> str:
    """Return a path without its query and with every segment that may be an identifier as `{}`."""
    segments = path.partition("?")[0].split("/")
    return "/".join(part if not part or _SECRET_FREE.fullmatch(part) else "{}" for part in segments)
