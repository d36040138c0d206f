"""What is to be done at which level of urgency."""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Guidelines(BaseHTTPRequestHandler):
    """Answer `GET /levels/NAME`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Answer with a sentence."""
        body = json.dumps({"advice": f"see the patient: {self.path.rpartition('/')[2]}"}).encode()
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
    ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Guidelines).serve_forever()
