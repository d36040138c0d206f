"""The hospital's register of wards, as far as the job needs it."""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WARDS = {"C1": "Cardiology", "S2": "Surgery", "N3": "Neurology"}


class Register(BaseHTTPRequestHandler):
    """Answer `GET /wards`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Answer with all wards."""
        known = self.path == "/wards"
        body = json.dumps({"wards": WARDS} if known else {"error": "no such page"}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing of each request."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Register).serve_forever()
