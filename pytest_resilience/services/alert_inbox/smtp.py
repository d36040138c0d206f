"""A real SMTP server that keeps what it is given; a fault answers each command in its place."""

from __future__ import annotations

import asyncio
import email
import email.policy
from email.message import EmailMessage
from typing import Any

from pytest_resilience.services.alert_inbox.endpoint import AcceptedEmail, Endpoint
from pytest_resilience.services.alert_inbox.fault import HANG


class SmtpServer:
    """Make the protocol of each connection, and take the mail; the `handle_` methods are aiosmtpd's hooks."""

    def __init__(self, endpoint: Endpoint[AcceptedEmail]) -> None:
        self._endpoint = endpoint

    def protocol(self) -> asyncio.BaseProtocol:
        """Make the protocol of one connection, on the running loop."""
        from aiosmtpd.smtp import SMTP  # noqa: PLC0415 - an optional dependency

        fault = self._endpoint.fault
        if fault is not None and fault.kind == HANG:
            self._endpoint.meet(fault)
            return asyncio.Protocol()
        loop = asyncio.get_running_loop()
        return SMTP(self, hostname="alert-inbox", ident="alert inbox", loop=loop)

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, sender: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Begin a message, unless a fault is on."""
        if refusal := await self._refusal():
            return refusal
        envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take the message, or say why not."""
        if refusal := await self._refusal():
            return refusal
        message = email.message_from_bytes(envelope.content, EmailMessage, policy=email.policy.default)
        if not message["From"]:
            reason = "5.7.1 Messages missing a valid address in From: header are not accepted"
            self._endpoint.reject(status=550, reasons=[reason], body=_text(message))
            return f"550 {reason}"
        self._keep(envelope, message)
        return "250 OK"

    def _keep(self, envelope: Any, message: EmailMessage) -> None:
        self._endpoint.accept(
            lambda at: AcceptedEmail(
                at=at,
                body=_text(message),
                headers={name.lower(): str(value) for name, value in message.items()},
                message=message,
                sender=envelope.mail_from,
                recipients=tuple(envelope.rcpt_tos),
            )
        )

    async def _refusal(self) -> str | None:
        fault = self._endpoint.fault
        if fault is None:
            return None
        self._endpoint.meet(fault)
        if fault.kind == HANG:
            await fault.healed.wait()
            return None
        text = fault.body.decode() if fault.body else "4.3.0 refused by an injected fault"
        return f"{fault.status} {text}"


def _text(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("plain", "html"))
    return part.get_content() if part is not None else ""
