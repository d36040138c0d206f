"""A file read while it is written: its text, and when each line was there."""

from __future__ import annotations

import codecs
import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

POLL_SECONDS = 0.01
MOST_KEPT = 16 * 2**20
"""Bytes of one file that are kept; what comes after is counted only."""


class Tail:
    """One file's growth.

    Args:
        path: the file, which may not be there yet.
        start: the byte where reading begins.
    """

    def __init__(self, path: Path, *, start: int = 0) -> None:
        self.path = path
        self.lines: list[tuple[float, str]] = []
        self.dropped = 0
        self._position = start
        self._kept = 0
        self._parts: list[str] = []
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def text(self) -> str:
        """What has been read so far."""
        return "".join(self._parts) + (f"\n… and {self.dropped} bytes more\n" if self.dropped else "")

    def read(self, *, last: bool = False) -> None:
        """Read what is new; with `last`, an unfinished line counts as a line."""
        now = time.monotonic()
        for piece in iter(self._piece, b""):
            self._take(piece, now)
        if last and self._rest:
            self.lines.append((now, self._rest))
            self._rest = ""

    def _piece(self) -> bytes:
        with contextlib.suppress(OSError):
            size = self.path.stat().st_size
            if size < self._position:  # it was rotated, or begun anew
                self._position = 0
            if size > self._position:
                with self.path.open("rb") as stream:
                    stream.seek(self._position)
                    piece = stream.read(2**20)
                self._position += len(piece)
                return piece
        return b""

    def _take(self, piece: bytes, now: float) -> None:
        kept = piece[: max(0, MOST_KEPT - self._kept)]
        self._kept += len(kept)
        self.dropped += len(piece) - len(kept)
        text = self._decoder.decode(kept)
        self._parts.append(text)
        *lines, self._rest = (self._rest + text).split("\n")
        self.lines += ((now, line.removesuffix("\r")) for line in lines)


class Follower:
    """A thread that reads several tails until it is told that no more will come."""

    def __init__(self, *tails: Tail) -> None:
        self._tails = tails
        self._over = threading.Event()
        self._stopped = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._follow, name="workload-output", daemon=True)
        self._thread.start()

    def catch_up(self) -> None:
        """Read what is there now; nothing any more once it has stopped."""
        if not self._stopped:
            self._each(lambda tail: tail.read())

    def stop(self) -> None:
        """Read the rest, and end; safe to call twice."""
        if not self._stopped:
            self._over.set()
            self._thread.join()
            self._each(lambda tail: tail.read(last=True))
            self._stopped = True

    def _follow(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            self.catch_up()

    def _each(self, act: Callable[[Tail], None]) -> None:
        with self._lock:
            for tail in self._tails:
                act(tail)
