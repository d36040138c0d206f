"""A headless Chromium, driven over its own pipe: what the page does there, and what it complains about."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

COMMAND = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One page at a time; each answer and each event comes in its order through one pipe."""

    def __init__(self, commands: int, answers: IO[bytes]) -> None:
        self._commands = commands
        self._answers = answers
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a page in a window of that size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self._load("about:blank")  # else another fragment of the same page would load nothing
        self._load(url)
        self.run("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")

    def _load(self, url: str) -> None:
        self.events.clear()
        self.send("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())
        while self.run("`${location.href} ${document.readyState}`") != f"{url} complete":
            """The event was that of the page before."""

    def run(self, script: str) -> Any:
        """Return what a JavaScript expression comes to."""
        options = {"returnByValue": True, "awaitPromise": True, "userGesture": True}
        result = self.send("Runtime.evaluate", expression=script, **options)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key."""
        text = key if len(key) == 1 else ""
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, text=text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def complaints(self) -> list[str]:
        """Return what the console shows, and exceptions."""
        wanted = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [json.dumps(event["params"]) for event in self.events if event.get("method") in wanted]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for."""
        sent = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def _next(self) -> dict[str, Any]:
        parts = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser has ended"
            parts += byte
        return json.loads(parts)


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start Chromium with an empty profile, and end it."""
    assert COMMAND is not None
    (their_in, our_out), (our_in, their_out) = os.pipe(), os.pipe()
    options = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    options += ["--no-sandbox"] if os.geteuid() == 0 else []  # it shows nothing but our own page
    arguments = [COMMAND, *options, "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    placed = f'exec 3<&{their_in} 4>&{their_out}; exec "$@"'
    with ExitStack() as stack:
        answers = stack.enter_context(os.fdopen(our_in, "rb"))
        stack.callback(os.close, our_out)
        process = stack.enter_context(
            subprocess.Popen(
                ["/bin/bash", "-c", placed, "bash", *arguments],
                pass_fds=(their_in, their_out),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        stack.callback(_end, process)
        os.close(their_in)
        os.close(their_out)
        yield Browser(our_out, answers)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it with its children; there is nothing in it to keep."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
