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
OWNER = f"{LABEL}.owner"
WHERE = f"{LABEL}.where"
"""Labels: what runs in it, the process whose end is its end, and where that process's number means something."""
GRACE = 20.0
"""Seconds that the keeper has to remove its container."""
_GONE_OR_GOING = (404, 409)


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
        "labels": {LABEL: kind, OWNER: str(run.owner), WHERE: _where()},
        "auto_remove": True,
        "security_opt": ["no-new-privileges"],
        **settings,
    }
    with os.fdopen(os.open(order, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        json.dump(wanted, stream)
    keeper = [sys.executable, "-m", "pytest_resilience.services.container_keeper", str(order)]
    command = Command(arguments=keeper, log=log, run=run, grace=GRACE)
    return ChildProcess(f"{title} in a container of {image}", command)


def remove_left_behind(engine: Any) -> list[str]:
    """Remove containers whose owner has ended, and whose keeper was killed with it; return their names.

    Only owners that this process could see are judged: not those on other machines, or in other containers.
    """
    ours = engine.containers.list(
        all=True, filters={"label": [LABEL, f"{WHERE}={_where()}"]}, ignore_removed=True
    )
    lost = [container for container in ours if not _is_alive(container.labels.get(OWNER, ""))]
    for container in lost:
        remove_container(container)
    return [str(container.name) for container in lost]


def remove_container(container: Any) -> None:
    """Remove a container, unless it is gone or going: it also removes itself when it ends."""
    from docker.errors import APIError

    try:
        container.remove(force=True, v=True)
    except APIError as error:
        if error.status_code not in _GONE_OR_GOING:
            raise


def _where() -> str:
    """Return what tells this machine since it started, and this process's namespace of process numbers in it."""
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{started}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"nowhere/{secrets.token_hex(8)}"  # such a system's containers are judged by nobody


def _is_alive(owner: str) -> bool:
    return not owner.isdecimal() or Path("/proc", owner).exists()
