"""A container as a child process: one that no run leaves behind, since a keeper of its own removes it."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_resilience.services.process import ChildProcess, Command
from pytest_resilience.services.run_folder import RunFolder

LABEL = "pytest-resilience"
GRACE = 20.0
"""Seconds that the keeper has to remove its container."""


def run_container(
    run: RunFolder, kind: str, *, image: str, title: str, log: Path, settings: Mapping[str, Any]
) -> ChildProcess:
    """Start a container under a name that nobody else has, labelled with what it is and whose.

    Args:
        run: the folder and the owner of the container.
        kind: what runs in it, for its name and its label.
        image: what it is made of; the engine has it.
        title: what messages call what runs in it.
        log: the file that takes what it writes.
        settings: what else it is made with, as the Docker SDK's `containers.create` takes it. They may hold
            passwords: they are handed over in a file that only this user can read.
    """
    name = f"{LABEL}-{kind}-{run.owner}-{secrets.token_hex(4)}"
    order = run.folder("containers") / f"{name}.json"
    wanted = {
        "image": image,
        "name": name,
        "labels": {LABEL: kind, f"{LABEL}.owner": str(run.owner)},
        "auto_remove": True,
        "security_opt": ["no-new-privileges"],
        **settings,
    }
    with os.fdopen(os.open(order, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        json.dump(wanted, stream)
    keeper = [sys.executable, "-m", "pytest_resilience.services.container_keeper", str(order)]
    command = Command(arguments=keeper, log=log, run=run, grace=GRACE)
    return ChildProcess(f"{title} in a container of {image}", command)
