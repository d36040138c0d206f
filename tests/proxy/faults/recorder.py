"""A relay that notes what a real client and a real server say to each other."""

from __future__ import annotations

import socket
import threading
from typing import Self


class Recorder:
    """Relay one connection to a Unix socket, and note each piece in order.

    Args:
        path: of the server's socket.
    """

    def __init__(self, path: str) -> None:
        self.events: list[tuple[str, bytes]] = []
        self._path = path
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._path)
            back = threading.Thread(target=self._relay, args=("server", server, client))
            back.start()
            self._relay("client", client, server)
            back.join()

    def _relay(self, side: str, source: socket.socket, sink: socket.socket) -> None:
        while data := source.recv(65536):
            self.events.append((side, data))
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


class Link:
    """A link whose two ends are lists: an `InspectedLink`."""

    number = 1
    proxy_name = "recorded"
    client_port = 4711

    def __init__(self) -> None:
        self.said: dict[str, bytearray] = {"server": bytearray(), "client": bytearray()}
        self.ends: list[str] = []

    def to_server(self, data: bytes) -> None:
        """Note bytes for the server."""
        self.said["server"] += data

    def to_client(self, data: bytes) -> None:
        """Note bytes for the client."""
        self.said["client"] += data

    def __getattr__(self, name: str):
        """Note everything else."""
        return lambda *_: self.ends.append(name)
