"""A laboratory's interface: the latest values of a bed."""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Labs(BaseHTTPRequestHandler):
    """Answer `GET /beds/N/latest`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Answer with made-up values."""
        body = json.dumps({"lactate": 1.4, "creatinine": 88}).encode()
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
    ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Labs).serve_forever()
