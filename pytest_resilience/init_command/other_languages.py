"""Projects in other languages than Python: what tells them, and what has to be declared by hand."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from pytest_resilience.init_command.declared import Guess, toml

_PROJECT_FILES = {
    "package.json": ["npm", "start"],
    "go.mod": ["./server"],
    "Cargo.toml": ["target/release/server"],
    "pom.xml": ["java", "-jar", "target/server.jar"],
    "build.gradle": ["java", "-jar", "build/libs/server.jar"],
    "build.gradle.kts": ["java", "-jar", "build/libs/server.jar"],
    "Gemfile": ["bundle", "exec", "puma", "-p", "{port}"],
    "composer.json": ["php", "-S", "127.0.0.1:{port}"],
}
"""By its name, how such a project may be started."""


def project_file(folder: Path) -> str | None:
    """Return the name of the file that makes a folder a project in another language; none where there is none."""
    return next((name for name in _PROJECT_FILES if (folder / name).is_file()), None)


def declare_by_hand(folder: Path, file: str) -> Guess:
    """Return an example, in comments, of what a team declares of code that is not read."""
    return Guess(
        "",
        seen=[
            f"TODO: there is a {file}, and only Python is read here: declare by hand what is started (a `command`",
            "may be in any language), which services it talks to, and by which variables it finds them, as in",
            "[services.database]",
            'kind = "postgres"',
            'env = { DATABASE_URL = "{dsn}" }',
            "[workloads.server]",
            f"command = {toml(_command(folder / file))}",
            'env = { PORT = "{port}" }',
            'ready = "GET /health"',
            'uses = ["database"]',
        ],
    )


def _command(file: Path) -> list[str]:
    """Return what `npm start` runs, where that is one program: signals reach it without a shell between."""
    usual = _PROJECT_FILES[file.name]
    if file.name != "package.json":
        return usual
    try:
        written = json.loads(file.read_text(encoding="utf-8"))["scripts"]["start"]
        return shlex.split(written) if re.fullmatch(r"node [\w ./=-]+", written) else usual
    except (OSError, ValueError, LookupError, TypeError):
        return usual
