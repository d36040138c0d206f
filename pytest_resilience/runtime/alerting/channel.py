"""A channel: something that takes an alert and confirms that it has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from pytest_resilience.runtime.alerting.alert import Alert

SEND_TIMEOUT = 10.0
"""Seconds that one delivery may take, from connecting to the receipt."""


class Channel(Protocol):
    """Deliver one alert.

    Attributes:
        name: the name that rules use.
    """

    @property
    def name(self) -> str:
        """The name that rules use."""

    def send(self, alert: Alert) -> None:
        """Return when the other side has confirmed the alert.

        Raises:
            RetryableError: if it may be taken later; `retry_after` where the other side said when.
            FatalError: if it will not be taken however often it is sent.
        """


def checked_channels(channels: Iterable[Channel]) -> tuple[Channel, ...]:
    """Return channels, or refuse what is none: an alert must not be the first to find out.

    Raises:
        TypeError: one has no `name`, or no `send`.
    """
    found = tuple(channels)
    for channel in found:
        named = isinstance(getattr(channel, "name", None), str)
        if not named or not callable(getattr(channel, "send", None)):
            raise TypeError(
                "channels must be objects with a `name` and a method `send`, such as SlackChannel(url), "
                f"got {channel!r}"
            )
    return found
