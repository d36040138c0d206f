"""The pages that stand at the root of the project, README, CONTRIBUTING and CHANGELOG, as pages of the site."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
FRONT = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
SCHEMAS = {"pytest_resilience/report/schema.json": "schemas/report.json"}
"""Other files that pages lead to, and where the site has them."""
LINK = re.compile(r"\]\((?!\w+:|#)(?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add them."""
    for name, page in FRONT.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_led(text, "", "")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links of a page that leave its folder to where the site has what they mean."""
    folder = posixpath.dirname(page.file.src_uri)
    if page.file.generated_by:
        return markdown
    if folder == "runbooks":
        markdown = markdown.replace(
            "```bash drill\n", "```bash\n"
        )  # the gate's word, which the builder does not know
    return _led(markdown, posixpath.join("docs", folder), folder)


def _led(markdown: str, written_in: str, shown_in: str) -> str:
    def led(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(written_in, match["target"]))
        place = (FRONT | SCHEMAS).get(path) or posixpath.relpath(path, "docs")
        return f"]({posixpath.relpath(place, shown_in or '.')}{match['anchor'] or ''})"

    return LINK.sub(led, markdown)
