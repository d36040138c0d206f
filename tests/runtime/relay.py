"""A relay between a PostgreSQL client and its server that can cut the line at one exact message.

The fault proxy of this project can do more; this one is small enough to be believed, and it is not built on
anything that it helps to test.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

ENCRYPTION_REQUESTS = (80877103, 80877104)  # SSLRequest, GSSENCRequest
ANSWERED = {b"Q", b"c", b"S"}  # Query, CopyDone and Sync end in ReadyForQuery


@dataclass
class Message:
    """What a client sends after its start-up; `number` counts over all connections."""

    number: int
    kind: bytes
    text: bytes


class Relay:
    """Listen on a loopback port, and ask `judge(message)` about each message of a client.

    It may answer None (pass it on), "lose request" (cut the line before it arrives), "lose reply" (let the server
    act, and cut the line before the client hears of it) or "hold" (keep it, and the line open).
    """

    def __init__(self, dsn, judge=lambda _message: None, port=0):
        parts = urlsplit(dsn)
        where = parse_qs(parts.query)
        self._upstream = f"{where['host'][0]}/.s.PGSQL.{where['port'][0]}"
        self.judge = judge
        self.seen = []
        self._lock = threading.Lock()
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        login = parts.netloc.rpartition("@")[0]
        self.dsn = f"postgresql://{login}@127.0.0.1:{self.port}{parts.path}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.down()

    def down(self):
        """Refuse new connections and cut the old ones."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.cut()

    def cut(self):
        """Cut every connection."""
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._upstream)
            self._sockets += [client, server]
            threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def _serve(self, client, server):
        reader = client.makefile("rb")
        held = threading.Event()
        back = threading.Thread(target=self._back, args=(server, client, held), daemon=True)
        with client, server, reader:
            with contextlib.suppress(OSError, struct.error):
                self._start_up(reader, client, server)
                back.start()
                self._carry(reader, server, held, back)
            for one in (client, server):  # closing alone does not wake the other thread, nor the server
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            if back.ident is not None:
                back.join()

    def _carry(self, reader, server, held, back):
        while (message := self._read(reader)) is not None:
            raw, verdict = message
            if verdict == "lose request":
                return
            if verdict == "hold":
                continue
            if verdict == "lose reply":
                held.set()  # from here on the client hears nothing
                server.sendall(raw)
                if raw[:1] in ANSWERED:
                    back.join()
                return
            server.sendall(raw)

    def _start_up(self, reader, client, server):
        while True:
            length, code = struct.unpack("!ii", reader.read(8))
            body = reader.read(length - 8)
            if code not in ENCRYPTION_REQUESTS:
                server.sendall(struct.pack("!ii", length, code) + body)
                return
            client.sendall(b"N")

    def _read(self, reader):
        head = reader.read(5)
        if len(head) < 5:
            return None
        kind, length = head[:1], struct.unpack("!i", head[1:])[0]
        body = reader.read(length - 4)
        if kind == b"p":  # the password
            return head + body, None
        with self._lock:
            message = Message(len(self.seen) + 1, kind, body.rstrip(b"\0"))
            self.seen.append(message)
            return head + body, self.judge(message)

    def _back(self, server, client, held):
        """Carry the server's answers; once held, swallow them up to where it waits for the client again."""
        swallowed = b""
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                if not held.is_set():
                    client.sendall(data)
                    continue
                swallowed += data
                if b"Z\0\0\0\5" in swallowed or swallowed[:1] == b"G":  # CopyInResponse
                    return


def at(text, verdict, nth=1):
    """Return a judge that cuts at the nth message that contains this text."""
    seen = []

    def judge(message):
        if text in message.text:
            seen.append(message)
            return verdict if len(seen) == nth else None
        return None

    return judge
