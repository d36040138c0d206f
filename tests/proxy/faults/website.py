"""A small HTTP/1.1 server with a page for each way of ending a body."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Website(ThreadingHTTPServer):
    """Serve on a free loopback port; what was posted is in `posted`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.posted: list[bytes] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients whose connections are cut are what this is for."""


class Page(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Website

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer with the page of that name, or an empty one."""
        path = self.path.partition("?")[0]
        getattr(self, f"page{path.replace('/', '_').replace('-', '_')}", lambda: self._answer(200, b"{}"))()

    def do_HEAD(self) -> None:
        """Answer with a head that declares a body."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()

    def do_POST(self) -> None:
        """Note what was posted."""
        body = self._body()
        self.server.posted.append(body)
        self._answer(201, b'{"done": true}')

    def page_long(self) -> None:
        """Answer with a declared length."""
        self._answer(200, b"x" * 1000)

    def page_chunked(self) -> None:
        """Answer in chunks."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"1f4\r\n" + b"x" * 500 + b"\r\n" + b"1F4;name=value\r\n" + b"y" * 500 + b"\r\n")
        self.wfile.write(b"0\r\nTrailer: x\r\n\r\n")

    def page_nothing(self) -> None:
        """Answer without a body."""
        self.send_response(204)
        self.end_headers()

    def page_unchanged(self) -> None:
        """Answer with the length of a body that is not sent."""
        self.send_response(304)
        self.send_header("Content-Length", "1000")
        self.end_headers()

    def page_until_close(self) -> None:
        """Answer without a length."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"all there is")
        self.close_connection = True

    def page_upgrade(self) -> None:
        """Echo what comes after the upgrade."""
        self.send_response(101)
        self.send_header("Upgrade", "echo")
        self.send_header("Connection", "Upgrade")
        self.end_headers()
        self.wfile.write(self.rfile.read(14))
        self.close_connection = True

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body
