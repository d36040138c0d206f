"""The few calls of MLflow's REST API that reading a registry takes, and removing what is ours from it."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from pytest_resilience.errors import HarnessError

TIMEOUT = 30.0
PAGE = 200
_API = "/api/2.0/mlflow"


class MlflowRest:
    """A server, asked page by page (MLflow documentation, REST API 2.0).

    Args:
        url: around the proxy; a user and password in it are used.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        self._headers = {"Content-Type": "application/json"}
        if parts.username:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def pages(
        self, method: str, path: str, key: str, question: Mapping[str, Any] | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """Yield what all pages of an answer hold under `key`."""
        token = ""
        while True:
            asked = {**(question or {}), "max_results": PAGE, **({"page_token": token} if token else {})}
            answer = self.ask(method, path, asked)
            yield from answer.get(key, ())
            token = answer.get("next_page_token", "")
            if not token:
                return

    def runs(self, prefix: str) -> dict[str, int]:
        """Count the runs, by experiment and status."""
        experiments = {
            found["experiment_id"]: found["name"].removeprefix(prefix)
            for found in self.pages("POST", "experiments/search", "experiments", {"view_type": "ALL"})
            if found["name"].startswith(prefix)
        }
        if not experiments:
            return {}
        question = {"experiment_ids": list(experiments), "run_view_type": "ALL"}
        found = (run["info"] for run in self.pages("POST", "runs/search", "runs", question))
        return dict(Counter(f"{experiments[info['experiment_id']]}: {_run_status(info)}" for info in found))

    def version(self) -> str:
        """Return the version of the server.

        Raises:
            HarnessError: it does not answer as MLflow does.
        """
        request = urllib.request.Request(f"{self._url}/version", headers=self._headers)  # noqa: S310
        try:
            with self._opener.open(request, timeout=TIMEOUT) as reply:
                told = str(reply.read(100).decode("ascii", errors="replace")).strip()
        except OSError as error:
            raise HarnessError(f"no MLflow server answers there: {_why(error)}") from error
        if not told[:1].isdecimal():
            raise HarnessError(
                "what answers there is no MLflow server: it does not tell a version at /version"
            )
        return told

    def ask(self, method: str, path: str, question: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to one call.

        Raises:
            HarnessError: the server does not answer, or refuses.
        """
        url = f"{self._url}{_API}/{path}"
        if method == "GET":
            request = urllib.request.Request(f"{url}?{urlencode(question)}", headers=self._headers)  # noqa: S310
        else:
            body = json.dumps(question).encode()
            request = urllib.request.Request(url, data=body, headers=self._headers, method=method)  # noqa: S310
        try:
            with self._opener.open(request, timeout=TIMEOUT) as reply:
                answer = json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                raise HarnessError(f"MLflow answered {path} with status {error.code}") from error
        except (OSError, ValueError) as error:
            raise HarnessError(f"The MLflow registry cannot be read ({path}): {_why(error)}") from error
        if not isinstance(answer, dict):
            raise HarnessError(f"MLflow answered {path} with something that is no object")
        return answer


def _run_status(info: Mapping[str, Any]) -> str:
    status = info.get("status", "RUNNING")
    return f"{status}, deleted" if info.get("lifecycle_stage") == "deleted" else str(status)


def _why(error: Exception) -> object:
    return getattr(error, "reason", None) or error
