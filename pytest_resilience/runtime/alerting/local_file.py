"""The channel of last resort: one line of JSON an alert, appended to a local file and on disk before it returns."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from pytest_resilience.errors import RetryableError
from pytest_resilience.runtime.alerting.alert import Alert
from pytest_resilience.runtime.alerting.private_folder import make_private_folder


@dataclass(frozen=True, slots=True)
class FileChannel:
    """Append to a file that only its owner can read.

    Args:
        path: the file; it and its folder are made when they are missing.
    """

    path: Path
    name: str = "file"

    def send(self, alert: Alert) -> None:
        """Append the alert and wait until it is on disk."""
        line = (json.dumps(asdict(alert)) + "\n").encode()
        try:
            make_private_folder(self.path.parent)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                # One write: lines of several processes never mix (POSIX, O_APPEND).
                if os.write(descriptor, line) != len(line):
                    raise RetryableError(
                        f"the alert file {self.path} took only a part of a line: is the disk full?"
                    )
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise RetryableError(f"the alert file {self.path} cannot be written: {error.strerror}") from error
