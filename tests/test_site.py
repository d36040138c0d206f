"""The site of the documents is built without a warning, leaves no page out, and every link leads somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from ruamel.yaml import YAML

import pytest_resilience
from pytest_resilience import fixtures
from pytest_resilience.__main__ import COMMANDS
from pytest_resilience.plugin.options import OPTIONS
from pytest_resilience.schemas import HOMES, schema

DOCS = Path(__file__).parents[1] / "docs"
SETTINGS = DOCS / "site" / "mkdocs.yml"
CODE = {"code", "pre", "script", "style"}
RAW = re.compile(r"^\|.*\|$|\|---|^[-*] |\*\*|\]\(|```", re.MULTILINE)
"""Markdown that was taken for plain text: a list or a table without an empty line before it, most often."""
FETCHED = {"script": "src", "img": "src", "iframe": "src", "link": "href"}


class _Page(HTMLParser):
    """What a page refers to, and what can be referred to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.words: list[str] = []
        self._code = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        self._code += tag in CODE
        self.anchors.update(facts[name] for name in ("id", "name") if name in facts)
        if tag == "a" and "href" in facts:
            self.links.append(facts["href"])
        if FETCHED.get(tag, "") in facts and facts.get("rel") != "canonical":
            self.fetched.append(facts[FETCHED[tag]])

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in CODE

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.words.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning of the builder ends the build."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(SETTINGS)]
    command += ["--site-dir", str(folder)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, _Page]:
    """Every page by its path."""
    return {path: _Page(path) for path in site.rglob("*.html") if path.name != "404.html"}


def _listed(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for entry in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _listed(entry)


def test_no_page_is_left_out() -> None:
    """Whoever reads the contents finds each page, once."""
    listed = list(_listed(YAML(typ="safe").load(SETTINGS)["nav"]))

    assert len(listed) == len(set(listed))
    assert {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")} - set(listed) == set()


def test_every_link_leads_somewhere(pages: dict[Path, _Page]) -> None:
    """Pages and places in them."""
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            anchors = pages[target].anchors | {""} if target in pages else {""}
            if not target.exists() or unquote(parts.fragment) not in anchors | {"__skip"}:
                dead.append(f"{path.name}: {link}")

    assert dead == []


def test_no_markdown_is_left(pages: dict[Path, _Page]) -> None:
    """GitHub takes some that the site's builder does not."""
    left = {path.name: RAW.findall("".join(page.words)) for path, page in pages.items()}

    assert {name: found for name, found in left.items() if found} == {}


def test_reading_needs_no_network(pages: dict[Path, _Page]) -> None:
    """No page loads anything from elsewhere."""
    assert [one for page in pages.values() for one in page.fetched if urlsplit(one).netloc] == []


def test_reference_has_every_public_name(pages: dict[Path, _Page]) -> None:
    """Those of the package, and the fixtures' types."""
    explained = {anchor for page in pages.values() for anchor in page.anchors}
    missing = [
        name
        for module in (pytest_resilience, fixtures)
        for name in module.__all__
        if explained.isdisjoint({f"{module.__name__}.{name}", f"{getattr(module, name).__module__}.{name}"})
    ]

    assert missing == []


def _keys(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        properties = node.get("properties", {})
        yield from (name for name, value in properties.items() if isinstance(value, dict) and len(value) > 1)
        for value in node.values():
            yield from _keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from _keys(value)


@pytest.mark.parametrize("name", HOMES)
def test_reference_has_every_key(site: Path, name: str) -> None:
    """Of the files that people write, and of the report."""
    text = (site / "reference" / f"{name}.html").read_text(encoding="utf-8")

    assert [key for key in _keys(schema(name)) if f"<code>{key}</code>" not in text] == []
    assert (site / "schemas" / f"{name}.json").exists()


def test_reference_has_every_command_and_option(site: Path) -> None:
    """Of both command lines."""
    text = (site / "reference" / "commands.html").read_text(encoding="utf-8")

    assert [name for name, _, _ in OPTIONS if f"<code>{name}" not in text] == []
    assert [command.name for command in COMMANDS if f"pytest_resilience {command.name}" not in text] == []
