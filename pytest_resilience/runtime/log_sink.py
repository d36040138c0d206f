"""Hand a finished line to the standard library's logging so that nothing but that line can come out of it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

_LAST_WORDS = '{"severity": "HIGH", "level": "ERROR", "event": "logging failed", "error_type": "%s"}\n'


class ConsoleHandler(logging.Handler):
    """Write the bare line to the standard error stream of the moment, unless the application logs to a console.

    Without it the lines of a process that configured no logging would be dropped, or formatted by chance.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's message as one line."""
        if not any(_is_console(handler) for handler in _handlers(logging.getLogger(record.name))):
            try:
                sys.stderr.write(record.getMessage() + "\n")
                sys.stderr.flush()
            except (OSError, ValueError, AttributeError):
                self.handleError(record)  # closed, full or missing: nowhere is left to say so

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's signature
        """Stay silent: the standard library's own report would show the caller's source and exception."""


class _LineEnded(Exception):  # noqa: N818 - never leaves this module
    """Stand in for the exception that the caller is handling, so that no handler can print that one."""


def sink(name: str) -> logging.Logger:
    """Return the logger of that name, which drops nothing of ours by default."""
    logger = logging.getLogger(name)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    if not any(isinstance(handler, ConsoleHandler) for handler in logger.handlers):
        logger.addHandler(ConsoleHandler())
    return logger


def write(logger: logging.Logger, level: int, line: str) -> None:
    """Give the line to all handlers; whatever fails there shows neither the caller's data nor its exception."""
    if not logger.isEnabledFor(level):
        return
    for handler in _handlers(logger):
        _guard(handler)
    record = logger.makeRecord(logger.name, level, "(structured)", 0, line, (), None)
    try:
        _stand_in()
    except _LineEnded as ours:
        ours.__context__ = None
        logger.handle(record)


def _stand_in() -> None:
    raise _LineEnded from None


def last_words(failure: BaseException) -> None:
    """Say on the standard error stream that logging itself failed, by the failure's type alone."""
    try:
        sys.stderr.write(_LAST_WORDS % type(failure).__name__)
    except (OSError, ValueError, AttributeError):
        return  # closed, full or missing: nowhere is left to say so


def _handlers(logger: logging.Logger | None) -> Iterator[logging.Handler]:
    while logger is not None:
        yield from logger.handlers
        logger = logger.parent if logger.propagate else None


def _is_console(handler: logging.Handler) -> bool:
    return getattr(handler, "stream", None) in (sys.stderr, sys.stdout, sys.__stderr__, sys.__stdout__)


def _guard(handler: logging.Handler) -> None:
    """Keep the standard library's report of a failed handler, but without source lines and chained exceptions."""
    if type(handler).handleError is logging.Handler.handleError and "handleError" not in vars(handler):
        handler.handleError = _report  # type: ignore[method-assign] # the only hook that a handler has


def _report(record: logging.LogRecord) -> None:  # noqa: ARG001 - logging's signature
    last_words(sys.exc_info()[1] or _LineEnded())
