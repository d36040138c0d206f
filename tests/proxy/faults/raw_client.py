"""A PostgreSQL client that says exactly what it is told, byte by byte if need be."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import socket
import struct
from base64 import b64decode, b64encode
from typing import Self

TIMEOUT = 30.0


class RawClient:
    """One session over a plain socket.

    Args:
        port: where to connect on this machine.
        parameters: of the start-up message.
        password: for SCRAM-SHA-256 (RFC 5802, RFC 7677).
        segment: send so many bytes at a time; all at once without it.
        before: said before the start-up message; one byte is the answer to it.
    """

    def __init__(
        self,
        port: int,
        parameters: dict[str, str],
        password: str,
        *,
        segment: int | None = None,
        before: bytes = b"",
    ) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._segment = segment
        self.before = b""
        if before:
            self.send(before)
            self.before = self._read(1)
        words = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items())
        self.send(struct.pack("!II", 9 + len(words), 196608) + words + b"\0")
        self._log_in(password)
        self.read_until(b"Z")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Send bytes, in the segments that were asked for."""
        if self._segment is None:
            self.sock.sendall(data)
            return
        for start in range(0, len(data), self._segment):
            self.sock.sendall(data[start : start + self._segment])

    def send_message(self, kind: bytes, payload: bytes = b"") -> None:
        """Send one message."""
        self.send(kind + struct.pack("!I", 4 + len(payload)) + payload)

    def send_query(self, sql: str) -> None:
        """Send a simple query."""
        self.send_message(b"Q", sql.encode() + b"\0")

    def query(self, sql: str) -> list[tuple[bytes, bytes]]:
        """Send a simple query and return the answer."""
        self.send_query(sql)
        return self.read_until(b"Z")

    def execute(self, sql: str, *, sync: bool = True) -> None:
        """Parse, bind and execute a statement, all unnamed."""
        self.send_message(b"P", b"\0" + sql.encode() + b"\0\0\0")
        self.send_message(b"B", b"\0\0\0\0\0\0\0\0")
        self.send_message(b"E", b"\0\0\0\0\0")
        if sync:
            self.send_message(b"S")

    def read_message(self) -> tuple[bytes, bytes]:
        """Read one message: its kind and payload."""
        kind = self._read(1)
        (size,) = struct.unpack("!I", self._read(4))
        return kind, self._read(size - 4)

    def read_until(self, kind: bytes) -> list[tuple[bytes, bytes]]:
        """Read messages up to one of that kind."""
        messages = [self.read_message()]
        while messages[-1][0] != kind:
            messages.append(self.read_message())
        return messages

    def read_to_end(self) -> bytes:
        """Read all that comes until the connection ends."""
        data = b""
        while piece := self.sock.recv(65536):
            data += piece
        return data

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            if not piece:
                raise ConnectionError("the connection ended")
            data += piece
        return data

    def _log_in(self, password: str) -> None:
        nonce = b64encode(secrets.token_bytes(12)).decode()
        first = f"n=,r={nonce}"
        self.read_until(b"R")
        answer = f"n,,{first}".encode()
        self.send_message(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(answer)) + answer)
        challenge = self.read_until(b"R")[-1][1][4:].decode()
        fields = dict(field.split("=", 1) for field in challenge.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), b64decode(fields["s"]), int(fields["i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = f"c=biws,r={fields['r']}"
        said = f"{first},{challenge},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), said, "sha256")
        proof = b64encode(bytes(a ^ b for a, b in zip(client_key, signature, strict=True))).decode()
        self.send_message(b"p", f"{without_proof},p={proof}".encode())
        self.read_until(b"R")


def error_fields(payload: bytes) -> dict[str, str]:
    """Return the fields of an ErrorResponse by their codes."""
    return {field[:1].decode(): field[1:].decode() for field in payload.split(b"\0") if field}
