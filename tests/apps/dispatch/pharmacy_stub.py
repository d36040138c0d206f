"""The pharmacy's ordering system: open orders, and acknowledgements, which it takes once each."""

import argparse
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DRUGS = ("Heparin", "Insulin", "Propofol")
ORDERS = [
    {"id": number, "ward": "Neurology", "lines": [{"drug": drug, "amount": number % 4 + 1} for drug in DRUGS]}
    for number in range(501, 505)
]
acknowledged = {}


class Pharmacy(BaseHTTPRequestHandler):
    """Answer `GET /orders` and `POST /orders/N/acknowledgement`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """List the open orders."""
        self.answer(200, {"orders": ORDERS})

    def do_POST(self):
        """Take an acknowledgement; with a key that is known nothing happens again."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not re.fullmatch(r"/orders/\d+/acknowledgement", self.path):
            self.answer(404, {"error": "no such page"})
            return
        key = self.headers.get("Idempotency-Key") or object()
        acknowledged[key] = self.path
        self.answer(200, {"acknowledged": True})

    def answer(self, status, content):
        """Send JSON."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing of each request."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Pharmacy).serve_forever()
