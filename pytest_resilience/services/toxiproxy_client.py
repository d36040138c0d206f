"""A client of Toxiproxy's HTTP API that the harness drives: every call ends in time, every change is read back.

So a fault that was not applied is an error here, and not a test that passes for nothing.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from pytest_resilience.errors import HarnessError

CONTROL_TIMEOUT = 5.0
"""Seconds after which an engine that gives no answer hangs: it changes a few values in memory."""


class EngineError(HarnessError):
    """Say that an engine refused a request, gave no answer, or did not do what it was told."""


class EngineSilentError(EngineError):
    """Say that an engine gave no answer: it hangs, or its process is gone."""


class EngineRefusedError(EngineError):
    """Say that an engine answered with an error.

    Args:
        status: the HTTP status.
        reason: what the engine said.
    """

    def __init__(self, message: str, *, status: int, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason or message


@dataclass(frozen=True, slots=True)
class ToxiproxyClient:
    """Drive whatever speaks Toxiproxy's HTTP API; every call ends within `timeout` seconds.

    Raises:
        EngineSilentError: by every method, where no answer comes.
        EngineRefusedError: by every method, where the answer is an error.
        EngineError: by every method, where something else is read back than was told.
    """

    host: str
    port: int
    timeout: float = CONTROL_TIMEOUT

    title: ClassVar[str] = "Toxiproxy"
    """What messages call it."""

    def version(self) -> str:
        """Return the version of Toxiproxy's API that it speaks."""
        answer = self.call("GET", "/version")
        if not isinstance(answer, dict) or "version" not in answer:
            raise EngineError(
                f"what is at {self.host}:{self.port} is no Toxiproxy: its version is {answer!r}"
            )
        return str(answer["version"])

    def create_proxy(self, name: str, upstream: str, *, listen: str = "127.0.0.1:0") -> str:
        """Make a proxy, and return the address that it listens on."""
        made = self.call("POST", "/proxies", {"name": name, "upstream": upstream, "listen": listen})
        self._confirm(made, {"name": name, "enabled": True})
        return str(made["listen"])

    def delete_proxy(self, name: str) -> None:
        """Remove a proxy and end its connections."""
        self.call("DELETE", _proxy(name))

    def proxies(self) -> dict[str, dict[str, Any]]:
        """Return all proxies by name."""
        return dict(self.call("GET", "/proxies"))

    def set_enabled(self, name: str, *, enabled: bool) -> None:
        """Open or close a proxy's listener; closing ends its connections too."""
        self.call("POST", _proxy(name), {"enabled": enabled})
        self._confirm(self.call("GET", _proxy(name)), {"enabled": enabled})

    def add_toxic(self, proxy: str, toxic: Mapping[str, Any]) -> str:
        """Add a toxic, read it back, and return its name."""
        name = str(self.call("POST", f"{_proxy(proxy)}/toxics", toxic)["name"])
        self._confirm(self.call("GET", f"{_proxy(proxy)}/toxics/{quote(name, safe='')}"), toxic)
        return name

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Remove a toxic, and see that it is gone."""
        self.call("DELETE", f"{_proxy(proxy)}/toxics/{quote(name, safe='')}")
        if any(toxic["name"] == name for toxic in self.toxics(proxy)):
            raise EngineError(f"toxic {name!r} of proxy {proxy!r} is still there after its removal")

    def toxics(self, proxy: str) -> list[dict[str, Any]]:
        """Return a proxy's toxics."""
        return list(self.call("GET", f"{_proxy(proxy)}/toxics"))

    def call(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request and return the parsed answer, none where it is empty."""
        __tracebackhide__ = True
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            connection.request(verb, path, None if body is None else json.dumps(body))
            reply = connection.getresponse()
            answer = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineSilentError(
                f"{self.title} at {self.host}:{self.port} gave no answer to {verb} {path} "
                f"(for which it had {self.timeout:g} s): {error}; is its process alive? (see its log)"
            ) from error
        finally:
            connection.close()
        if reply.status >= 300:
            raise EngineRefusedError(
                f"{self.title} at {self.host}:{self.port} refused {verb} {path} "
                f"with status {reply.status}: {_shortened(answer)}",
                status=reply.status,
                reason=_shortened(answer),
            )
        return self._parsed(answer, f"{verb} {path}")

    def _parsed(self, answer: bytes, request: str) -> Any:
        try:
            return json.loads(answer) if answer else None
        except ValueError as error:
            raise EngineError(
                f"what is at {self.host}:{self.port} is no {self.title}: "
                f"it answered {request} with {_shortened(answer)}"
            ) from error

    def _confirm(self, seen: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
        for name, value in expected.items():
            if isinstance(value, Mapping):
                self._confirm(seen.get(name) or {}, value)
            elif seen.get(name) != value:
                raise EngineError(
                    f"{self.title} was told {name} = {value!r} and reads back {seen.get(name)!r}"
                )


def _proxy(name: str) -> str:
    return f"/proxies/{quote(name, safe='')}"


def _shortened(answer: bytes) -> str:
    """Return what an answer says was wrong, else its beginning, on one line."""
    text = answer.decode(errors="replace")
    with contextlib.suppress(
        ValueError, KeyError, TypeError
    ):  # what is no JSON of an engine is shown as it is
        text = str(json.loads(text)["error"])
    return textwrap.shorten(text, 300)
