"""The words that are filled into a command line: `{python}` and `{port}`."""

from __future__ import annotations

import sys

from pytest_resilience.chaos.configuration.placeholders import fill, placeholders
from pytest_resilience.services.quiet_port import quiet_ports


class Placeholders:
    """What `{python}` and `{port}` stand for in one workload; the port is drawn when it is first asked for."""

    def __init__(self) -> None:
        self._port: int | None = None

    @property
    def port(self) -> int:
        """A loopback port that was free and that no outgoing connection is given; the same at each start."""
        if self._port is None:
            self._port = next(quiet_ports())
        return self._port

    def fill(self, text: str) -> str:
        """Return the text with both filled in; braces that are meant as such are doubled, as in the configuration."""
        values = {"python": sys.executable}
        if "port" in placeholders(text):
            values["port"] = str(self.port)
        return fill(text, values)
