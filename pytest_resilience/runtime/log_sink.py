"""Hand a finished line to the standard library's logging so that nothing but that line can come out of it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

from pytest_resilience.runtime.redaction import DEFAULT_REDACTOR

_LAST_WORDS = '{"severity": "HIGH", "level": "ERROR", "event": "logging failed", "error_type": "%s"}\n'


class Line(logging.LogRecord):
    """A record whose message is a finished, redacted line."""

    def __init__(self, name: str, level: int, line: str) -> None:
        super().__init__(name, level, "(structured)", 0, line, None, None)


class ConsoleHandler(logging.Handler):
    """Write lines to the standard error stream of the moment, unless the application logs to a console itself.

    Without it the lines of a process that configured no logging would be dropped, or formatted by chance. What else
    comes by the same logger takes the place that the standard library's handler of last resort would have given it:
    warnings and worse, here as redacted JSON.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, if it is this handler's turn."""
        if not self._is_in_charge(record):
            return
        if isinstance(record, Line):
            _to_stderr(record.getMessage())
        elif record.levelno >= logging.WARNING:
            _to_stderr(_as_line(record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's signature
        """Stay silent: the standard library's own report would show the caller's source and exception."""

    def _is_in_charge(self, record: logging.LogRecord) -> bool:
        chain = list(_handlers(logging.getLogger(record.name)))
        nearest = next((handler for handler in chain if isinstance(handler, ConsoleHandler)), None)
        return nearest is self and not any(map(_is_console, chain))


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
    try:
        _stand_in()
    except _LineEnded as ours:
        ours.__context__ = None
        try:
            logger.handle(Line(logger.name, level, line))
        except Exception as failure:  # noqa: BLE001 - a handler that raises is foreign code
            last_words(failure)


def last_words(failure: BaseException) -> None:
    """Say on the standard error stream that logging itself failed, by the failure's type alone."""
    _to_stderr(_LAST_WORDS % type(failure).__name__, end="")


def _to_stderr(text: str, end: str = "\n") -> None:
    try:
        sys.stderr.write(text + end)
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return  # closed, full or missing: nowhere is left to say so


def _as_line(record: logging.LogRecord) -> str:
    try:
        message = DEFAULT_REDACTOR.text(record.getMessage())
    except Exception as failure:  # noqa: BLE001 - arguments that do not fit, or that break when they are formatted
        message = f"<a logging call whose arguments raised {type(failure).__name__}>"
    error = record.exc_info and record.exc_info[1]
    facts = {"level": record.levelname, "logger": record.name, "event": "log", "message": message}
    return json.dumps(facts | ({"error_type": type(error).__name__} if error else {}))


def _stand_in() -> None:
    raise _LineEnded from None


def _handlers(logger: logging.Logger | None) -> Iterator[logging.Handler]:
    while logger is not None:
        yield from logger.handlers
        logger = logger.parent if logger.propagate else None


def _is_console(handler: logging.Handler) -> bool:
    stream = getattr(handler, "stream", None)
    return stream is not None and stream in (sys.stderr, sys.stdout, sys.__stderr__, sys.__stdout__)


def _guard(handler: logging.Handler) -> None:
    """Keep the standard library's report of a failed handler, but without source lines and chained exceptions."""
    if type(handler).handleError is logging.Handler.handleError and "handleError" not in vars(handler):
        handler.handleError = _report  # type: ignore[method-assign] # the only hook that a handler has


def _report(record: logging.LogRecord) -> None:  # noqa: ARG001 - logging's signature
    last_words(sys.exc_info()[1] or _LineEnded())
