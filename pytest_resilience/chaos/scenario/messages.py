"""The names of messages and requests in scenario files, checked before anything starts."""

from __future__ import annotations

import re
from difflib import get_close_matches

from pytest_resilience.chaos.scenario.page import RefusedError
from pytest_resilience.chaos.scenario.values import text
from pytest_resilience.chaos.scenario.yaml_nodes import Node
from pytest_resilience.proxy.wire.postgres.command_tags import canonical_message
from pytest_resilience.proxy.wire.postgres.names import REPLIES, TRIGGERS
from pytest_resilience.proxy.wire.sql.tag import tag_of

SILENT = ("Flush", "Terminate", "CopyFail")
"""Messages that get no reply of their own."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")


def message(node: Node, name: str) -> str:
    """Read a command tag, which is written in capitals, or a protocol message."""
    written = text(node, name)
    if written in REPLIES.values() and written not in TRIGGERS:
        raise RefusedError(
            node.position, f"{name} is {written!r}, a reply: name what it answers, with {{side: reply}}"
        )
    try:
        known = canonical_message(written)
    except ValueError as error:
        raise RefusedError(node.position, f"{name} is {written!r}: {error}") from error
    tag = known if known in TRIGGERS else tag_of(known)
    if known != tag and not tag.startswith(f"{known} "):
        raise RefusedError(
            node.position, f"{name} is {written!r}; did you mean {tag!r}? a statement's text goes under sql"
        )
    if written != known and (known in TRIGGERS or written != written.upper()):
        meant = known if known in TRIGGERS else written.upper()
        raise RefusedError(node.position, f"{name} is {written!r}; did you mean {meant!r}?")
    return known


def request_template(node: Node, name: str) -> str:
    """Read a method, or `*` for any, and a path in which `{x}` stands for one segment."""
    method, path = _request(node, name, any_method=True)
    if "?" in path:
        raise RefusedError(
            node.position,
            f"{name} is {method} {path!r}: requests are told by their path, leave the query out",
        )
    if re.search(r"[{}]", re.sub(r"\{[^{}/]*\}", "", path)):
        raise RefusedError(node.position, f"{name} is {method} {path!r}: a brace has no partner, write {{x}}")
    return f"{method} {path}"


def request(node: Node, name: str) -> str:
    """Read a request that is to be made: a method and a path, with its query if there is one."""
    method, path = _request(node, name, any_method=False)
    return f"{method} {path}"


def _request(node: Node, name: str, *, any_method: bool) -> tuple[str, str]:
    written = text(node, name)
    method, _, path = written.strip().partition(" ")
    path = path.strip()
    if not path.startswith("/") or re.search(r"\s", path) or "#" in path:
        raise RefusedError(
            node.position, f"{name} is {written!r}: write a method and a path, such as 'POST /predict'"
        )
    if not (any_method and method == "*"):
        _check_method(method, node, name)
    return method, path


def _check_method(method: str, node: Node, name: str) -> None:
    if method in METHODS:
        return
    close = get_close_matches(method.upper(), METHODS, n=1, cutoff=0.7)
    if close or not re.fullmatch(r"[A-Z]+(-[A-Z]+)*", method):
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(METHODS)}"
        raise RefusedError(node.position, f"{name} has the method {method!r}; {hint}")
