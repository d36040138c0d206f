"""The three captured endpoints together, served by one thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.alert_inbox import pagerduty, slack
from pytest_resilience.services.alert_inbox.endpoint import Accepted, AcceptedEmail, Endpoint
from pytest_resilience.services.alert_inbox.fault import DOWN, HANG, EndpointFault, Switch
from pytest_resilience.services.alert_inbox.listener import LOOPBACK, Listener
from pytest_resilience.services.alert_inbox.smtp import SmtpServer
from pytest_resilience.services.alert_inbox.webhook import Webhook

HANG_GUARD = 30.0
"""Seconds after which a request to the inbox's own thread is given up: only a bug of ours takes so long."""


class AlertInbox:
    """Serve the captured endpoints while its `with` block runs.

    `pagerduty`, `slack` and `email` are sequences of what was accepted; `urls` and `env` say where they are.

    Args:
        clock: stamps what arrives.
    """

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._arrivals = threading.Condition()
        make = partial(Endpoint, arrivals=self._arrivals, clock=clock)
        self.pagerduty: Endpoint[Accepted] = make("pagerduty")
        self.slack: Endpoint[Accepted] = make("slack")
        self.email: Endpoint[AcceptedEmail] = make("email")
        self._ports: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    @property
    def urls(self) -> Mapping[str, str]:
        """What `{pagerduty}`, `{slack}`, `{smtp_host}` and `{smtp_port}` stand for in a configuration."""
        if not self._ports:
            raise HarnessError(
                "The alert inbox has no addresses yet: enter it first, `with AlertInbox() as inbox`."
            )
        return {
            "pagerduty": f"http://{LOOPBACK}:{self._ports['pagerduty']}{pagerduty.PATH}",
            "slack": f"http://{LOOPBACK}:{self._ports['slack']}{slack.PATH}",
            "smtp_host": LOOPBACK,
            "smtp_port": str(self._ports["email"]),
        }

    @property
    def env(self) -> Mapping[str, str]:
        """The same as environment variables of the runtime's own alert channels."""
        urls = self.urls
        return {
            "PAGERDUTY_EVENTS_URL": urls["pagerduty"],
            "SLACK_WEBHOOK_URL": urls["slack"],
            "SMTP_HOST": urls["smtp_host"],
            "SMTP_PORT": urls["smtp_port"],
        }

    @property
    def ports(self) -> frozenset[int]:
        """Where its endpoints listen."""
        return frozenset(self._ports.values())

    def wait_for(self, condition: Callable[[], object], timeout: float = 10.0) -> None:
        """Wait until `condition()` is true; it is asked again whenever something arrives.

        Args:
            condition: such as `lambda: len(inbox.slack) == 2`.
            timeout: seconds to wait at most.

        Raises:
            TimeoutError: if it is still false then; the message says what did arrive.
        """
        with self._arrivals:
            if not self._arrivals.wait_for(lambda: bool(condition()), timeout):
                seen = f"{self.pagerduty!r} {self.slack!r} {self.email!r}"
                raise TimeoutError(f"The alert inbox waited {timeout:g} s in vain. What arrived: {seen}")

    def open(self) -> None:
        """Start the endpoints; returns when they listen."""
        if self._thread is not None:
            raise HarnessError("The alert inbox is open already: make one AlertInbox for each use.")
        started: threading.Event = threading.Event()
        failure: list[BaseException] = []
        self._thread = threading.Thread(
            target=self._run, args=(started, failure), name="alert-inbox", daemon=True
        )
        self._thread.start()
        started.wait()
        if failure:
            self._thread.join()
            raise HarnessError(f"The alert inbox could not start: {failure[0]}") from failure[0]

    def close(self) -> None:
        """Stop the endpoints and give the ports back; what arrived stays readable. Safe to call twice."""
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._loop = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, started: threading.Event, failure: list[BaseException]) -> None:
        try:
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve(started))
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits in open()
            failure.append(error)
        finally:
            started.set()

    async def _serve(self, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        async with AsyncExitStack() as listeners:
            for endpoint, factory in self._factories():
                listener = Listener(factory)
                listeners.push_async_callback(listener.release)
                await listener.open()
                endpoint.attach(self._switch(listener))
                self._ports[endpoint.name] = listener.port
            self._loop = asyncio.get_running_loop()
            started.set()
            await self._stop.wait()

    def _factories(self) -> list[tuple[Endpoint[Any], Callable[[], asyncio.BaseProtocol]]]:
        return [
            (self.pagerduty, Webhook(self.pagerduty, pagerduty.judge, pagerduty.fault_body).protocol),
            (self.slack, Webhook(self.slack, slack.judge, slack.fault_body).protocol),
            (self.email, SmtpServer(self.email).protocol),
        ]

    def _switch(self, listener: Listener) -> Switch:
        def switch(fault: EndpointFault, *, on: bool) -> None:
            self._in_loop(_turn(fault, listener, on=on))

        return switch

    def _in_loop(self, work: Coroutine[Any, Any, None]) -> None:
        if self._loop is None:
            work.close()  # closed: there is nothing left to break or to heal
            return
        asyncio.run_coroutine_threadsafe(work, self._loop).result(HANG_GUARD)


async def _turn(fault: EndpointFault, listener: Listener, *, on: bool) -> None:
    if fault.kind == DOWN and on:
        await listener.close()
        fault.fired = True
    elif fault.kind == DOWN:
        await listener.open()
    elif fault.kind == HANG and not on:
        listener.break_connections()
        fault.healed.set()
