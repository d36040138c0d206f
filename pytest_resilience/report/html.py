"""index.html: one file that works without a network; the report stands in it as data that a script draws."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib.resources import files
from typing import Any

from pytest_resilience.report.answer import answer
from pytest_resilience.report.json_form import to_json
from pytest_resilience.report.model import Report
from pytest_resilience.report.printable import printable

_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""Characters that could end the data's element, or start another; JSON has another way to write them."""


def to_html(report: Report) -> str:
    """Return the page."""
    style, script = _part("style.css"), _part("script.js")
    parts = {
        "POLICY": html.escape(_policy(style, script)),
        "TITLE": html.escape(f"Resilience gate: {report.gate.word}"),
        "ANSWER": html.escape(printable(answer(report))),
        "STYLE": style,
        "DATA": _data(report),
        "SCRIPT": script,
    }
    page = _part("page.html")
    pieces = page.split("@@")  # every second one is a name: what is put in is never looked at again
    return "".join(parts[piece] if number % 2 else piece for number, piece in enumerate(pieces))


def _part(name: str) -> str:
    return files("pytest_resilience.report").joinpath("page", name).read_text(encoding="utf-8")


def _data(report: Report) -> str:
    data = to_json(report)
    texts: dict[str, int] = {}
    for run in data["runs"]:
        run["marks"] = [_packed(mark, texts) for mark in run["marks"]]
    text = json.dumps({**data, "texts": list(texts)}, ensure_ascii=True, separators=(",", ":"))
    return "".join(_UNSAFE.get(letter, letter) for letter in text)


def _packed(mark: dict[str, Any], texts: dict[str, int]) -> list[Any]:
    """Return a mark as numbers, with its words by their place in a list: there are many, and they say the same."""
    kind, lane, label = (texts.setdefault(mark[key], len(texts)) for key in ("kind", "lane", "label"))
    until = None if mark["until"] is None else round(mark["until"], 4)
    packed = [round(mark["at"], 4), kind, lane, label, int(mark["bad"]), until, mark["count"]]
    return packed if mark["count"] > 1 else packed[:6] if until is not None else packed[:5]


def _policy(style: str, script: str) -> str:
    """Return a policy under which nothing runs but our own script, and nothing is loaded or sent."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
