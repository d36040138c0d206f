"""Bedside monitors behind one address: three pages of readings."""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGES, SIZE = 3, 12


class Monitors(BaseHTTPRequestHandler):
    """Answer `GET /readings?page=N`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Answer with one page; an empty one is the end."""
        page = int(parse_qs(urlsplit(self.path).query).get("page", ["0"])[0])
        first = 100 + page * SIZE
        readings = [
            {"id": number, "bed": f"B{number % 9}", "pulse": 60 + number % 40}
            for number in range(first, first + SIZE)
        ]
        body = json.dumps({"readings": readings if page < PAGES else []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing of each request."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Monitors).serve_forever()
