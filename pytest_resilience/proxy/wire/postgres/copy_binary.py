"""Rows of a COPY in the binary format.

Source: PostgreSQL documentation, COPY, "Binary Format".
"""

from __future__ import annotations

import struct


class BinaryRows:
    """Count the rows of the binary format: each begins with the number of its fields."""

    def __init__(self) -> None:
        self._rows = 0
        self._rest = b""
        self._skip = 0
        self._fields = 0
        self._step = self._signature

    @property
    def begun(self) -> int:
        """How many rows have begun."""
        return self._rows

    def feed(self, data: bytes) -> None:
        """Take the payload of the next CopyData message."""
        data = self._rest + data
        position = 0
        while True:
            skipped = min(self._skip, len(data) - position)
            position += skipped
            self._skip -= skipped
            size = 0 if self._skip else self._step(data, position)
            if not size:
                break
            position += size
        self._rest = data[position:]

    def _signature(self, data: bytes, position: int) -> int:
        """Take the file's header: 11 bytes of signature, 4 of flags, and the length of an extension."""
        if len(data) - position < 19:
            return 0
        self._skip = max(0, _integer(data, position + 15))
        self._step = self._row
        return 19

    def _row(self, data: bytes, position: int) -> int:
        if len(data) - position < 2:
            return 0
        (self._fields,) = struct.unpack_from("!h", data, position)
        if self._fields < 0:
            self._step = self._trailer
            return 2
        self._rows += 1
        self._step = self._field if self._fields else self._row
        return 2

    def _field(self, data: bytes, position: int) -> int:
        if len(data) - position < 4:
            return 0
        self._skip = max(0, _integer(data, position))  # -1 is null
        self._fields -= 1
        if not self._fields:
            self._step = self._row
        return 4

    def _trailer(self, data: bytes, position: int) -> int:
        return len(data) - position


def _integer(data: bytes, position: int) -> int:
    return int(struct.unpack_from("!i", data, position)[0])
