"""Serve predictions over HTTP: `MLFLOW_TRACKING_URI=http://… python -m icu_platform.serve --port 8000`.

`GET /health` says which version answers. `POST /predict` takes `{"rows": [{…30 measures…}]}`.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from icu_platform.process import start_process
from icu_platform.serving_agent import ServingAgent
from pytest_resilience import BusinessLogicError, FatalError

LARGEST_BODY = 1_000_000
SILENCE = 10.0
"""Seconds that a client may stay silent before its connection is closed."""

_log = logging.getLogger("icu_platform.serve")


class PredictionServer(ThreadingHTTPServer):
    """An HTTP server on loopback in front of one serving agent.

    Args:
        agent: what answers.
        port: where to listen; 0 for any free port.
    """

    daemon_threads = True

    def __init__(self, agent: ServingAgent, port: int) -> None:
        self.agent = agent
        super().__init__(("127.0.0.1", port), _Handler)


class _BadRequestError(Exception):
    """Say what is wrong with a request."""


class _Handler(BaseHTTPRequestHandler):
    server: PredictionServer
    protocol_version = "HTTP/1.1"
    timeout = SILENCE

    def do_GET(self) -> None:
        """Answer `/health`: the server is up, and says which version answers."""
        if self.path != "/health":
            self._reply(HTTPStatus.NOT_FOUND, {"error": f"There is no {self.path}; try GET /health."})
            return
        serving = self.server.agent.server
        self._reply(
            HTTPStatus.OK,
            {"status": "ok", "model": serving.model_name, "model_version": serving.version},
        )

    def do_POST(self) -> None:
        """Answer `/predict`."""
        if self.path != "/predict":
            self._reply(HTTPStatus.NOT_FOUND, {"error": f"There is no {self.path}; try POST /predict."})
            return
        try:
            rows = self._rows()
        except _BadRequestError as error:
            self.close_connection = True
            self._reply(HTTPStatus.BAD_REQUEST, {"error": str(error)})
            return
        self._predict(rows)

    def _predict(self, rows: list[dict[str, Any]]) -> None:
        result = self.server.agent.execute({"rows": rows})
        correlation_id = result.metadata["correlation_id"]
        if result.error is not None:
            told = {"error": str(result.error), "correlation_id": correlation_id}
            self._reply(_status_of(result.error), told)
            return
        answer = result.metadata["answer"]
        self._reply(
            HTTPStatus.OK,
            {
                "malignant": answer.malignant,
                "confidence": answer.confidence,
                "model_version": answer.model_version,
                "degraded": answer.degraded,
                "correlation_id": correlation_id,
            },
        )

    def _rows(self) -> list[dict[str, Any]]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or not 0 < int(length) <= LARGEST_BODY:
            raise _BadRequestError(
                f"The body must have a Content-Length from 1 to {LARGEST_BODY}, not {length!r}."
            )
        try:
            rows = json.loads(self.rfile.read(int(length)))["rows"]
        except (ValueError, KeyError, TypeError) as error:
            raise _BadRequestError(
                'The body must be JSON such as {"rows": [{"mean_radius": 14.1, …}]}.'
            ) from error
        if not (isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows)):
            raise _BadRequestError("rows must be a list of one object or more.")
        return rows

    def _reply(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, text: str, *values: Any) -> None:
        """Log what `http.server` has to say, at a level that is off by default."""
        _log.debug(text, *values)


def _status_of(error: Exception) -> HTTPStatus:
    if isinstance(error, BusinessLogicError | FatalError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.SERVICE_UNAVAILABLE


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C, then finish what is under way and return 0."""
    parser = argparse.ArgumentParser(prog="python -m icu_platform.serve", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--deadline", type=float, default=5.0, help="seconds an answer waits for MLflow")
    parser.add_argument("--reset-timeout", type=float, default=10.0, help="seconds the open breaker waits")
    options = parser.parse_args(arguments)
    start_process()
    agent = ServingAgent(deadline=options.deadline, reset_timeout=options.reset_timeout)
    agent.server.warm_up()
    with PredictionServer(agent, options.port) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            # `shutdown` waits for the loop to end, so it cannot be called by the thread that runs the loop.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        _log.info("serving", extra={"port": server.server_port})
        server.serve_forever(poll_interval=0.1)
    _log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
