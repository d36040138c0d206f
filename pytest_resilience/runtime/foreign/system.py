"""The operating system: `OSError` by errno (policy §2: a full disk may pass, a missing file will not)."""

from __future__ import annotations

import errno
import os
import socket

from pytest_resilience.errors import Severity
from pytest_resilience.runtime.foreign.verdict import Verdict, fatal, retryable

_NETWORK = "Try again; see network and server."
_RETRYABLE: dict[str, tuple[str, ...]] = {
    _NETWORK: (
        "ECONNREFUSED",
        "ECONNRESET",
        "ECONNABORTED",
        "EPIPE",
        "ETIMEDOUT",
        "EHOSTUNREACH",
        "EHOSTDOWN",
        "ENETUNREACH",
        "ENETDOWN",
        "ENETRESET",
        "EADDRNOTAVAIL",
        "ENOTCONN",
        "ESHUTDOWN",
    ),
    "Free some space, then try again.": ("ENOSPC", "EDQUOT"),
    "Close what is not needed, then try again.": ("EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"),
    "Try again when the other has finished.": (
        "EBUSY",
        "ETXTBSY",
        "EDEADLK",
        "EADDRINUSE",
        "EAGAIN",
        "EINTR",
    ),
    "Open it again.": ("ESTALE",),
}
_FATAL: dict[str, tuple[str, ...]] = {
    "Check the path.": ("ENOENT", "ENOTDIR", "EISDIR", "ENAMETOOLONG", "ELOOP", "EEXIST", "ENXIO", "ENODEV"),
    "Check owner and permissions.": ("EACCES", "EPERM", "EROFS"),
}


def _by_number(names: dict[str, tuple[str, ...]]) -> dict[int, str]:
    return {
        getattr(errno, name): advice
        for advice, some in names.items()
        for name in some
        if hasattr(errno, name)
    }


RETRYABLE = _by_number(_RETRYABLE)
FATAL = _by_number(_FATAL)
"""What to do about each errno; names that this platform lacks are left out. Any other errno is fatal."""

_SILENT: tuple[tuple[type[OSError], Verdict], ...] = (
    (TimeoutError, retryable("it took too long")),
    (ConnectionError, retryable("the connection broke", _NETWORK)),
    (BlockingIOError, retryable("it would have blocked")),
    (InterruptedError, retryable("it was interrupted")),
)
"""What is raised without an errno, by class."""


def judge(error: BaseException) -> Verdict | None:
    """Return the verdict on an exception of the operating system."""
    if not isinstance(error, OSError):
        return None
    if isinstance(error, socket.gaierror):
        return _name_resolution(error)
    number = error.errno
    if number is None:
        known = (verdict for kind, verdict in _SILENT if isinstance(error, kind))
        return next(known, fatal("the operating system refused it"))
    condition = f"{errno.errorcode.get(number, number)}, {os.strerror(number)}"
    if number in RETRYABLE:
        severity = Severity.HIGH if number in {errno.ENOSPC, errno.EDQUOT} else None
        return retryable(condition, RETRYABLE[number], severity)
    return fatal(condition, FATAL.get(number, "Trying again will not help: mend the cause."))


def _name_resolution(error: socket.gaierror) -> Verdict:
    if error.errno == socket.EAI_AGAIN:
        return retryable("the name server did not answer", "Try again; see the name server.")
    return fatal("there is no such host", "Check the host's name.")
