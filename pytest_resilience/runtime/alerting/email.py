"""The e-mail channel: SMTP, encrypted where the server can, with a password only over an encrypted line."""

from __future__ import annotations

import json
import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from pytest_resilience.errors import FatalError, RetryableError
from pytest_resilience.runtime.alerting.alert import Alert
from pytest_resilience.runtime.alerting.channel import SEND_TIMEOUT

SMTPS_PORT = 465
"""The port where the line is encrypted from the start (RFC 8314)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChannel:
    """Send mail by one server.

    Args:
        host: the server.
        port: its port; on 465 the line is encrypted at once, else by STARTTLS where the server offers it.
        recipients: who gets the mail.
        sender: the From address.
        user: for servers that want a login, with `password`; never sent over a plain line.
        tls: how certificates are checked; default: the system's authorities.
    """

    host: str
    port: int = 25
    recipients: tuple[str, ...]
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    name: str = "email"

    def send(self, alert: Alert) -> None:
        """Send one message and wait until the server has taken it."""
        try:
            with self._connect() as server:
                self._secure(server)
                server.send_message(
                    message(alert, self.sender, self.recipients), self.sender, self.recipients
                )
        except smtplib.SMTPResponseException as error:
            raise _by_code(error.smtp_code) from None
        except smtplib.SMTPRecipientsRefused as error:
            raise _by_code(max(code for code, _ in error.recipients.values())) from None
        except (OSError, smtplib.SMTPException) as error:
            raise RetryableError(f"no answer from the mail server: {type(error).__name__}") from None

    def _connect(self) -> smtplib.SMTP:
        if self.port == SMTPS_PORT:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SEND_TIMEOUT, context=self._context())
        return smtplib.SMTP(self.host, self.port, timeout=SEND_TIMEOUT)

    def _secure(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        encrypted = self.port == SMTPS_PORT
        if not encrypted and server.has_extn("starttls"):
            server.starttls(context=self._context())
            encrypted = True
        if self.user is not None:
            if not encrypted:
                raise FatalError(
                    "The mail server offers no STARTTLS: the password is not sent over a plain line."
                )
            server.login(self.user, self.password or "")

    def _context(self) -> ssl.SSLContext:
        return self.tls or ssl.create_default_context()


def message(alert: Alert, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    """Return the alert as an e-mail; its id is the alert's own, so that a second copy is recognised."""
    mail = EmailMessage()
    subject = f"[{alert.severity}] {alert.component}: {alert.message}"
    mail["Subject"] = " ".join(subject.split())[:200]
    mail["From"], mail["To"] = sender, ", ".join(recipients)
    mail["Date"] = format_datetime(datetime.fromtimestamp(alert.created, UTC))
    mail["Message-ID"] = f"<{alert.uid}@{socket.gethostname() or 'localhost'}>"
    details = json.dumps(alert.details, indent=2, ensure_ascii=False) if alert.details else ""
    mail.set_content(f"{alert.message}\n\n{details}\n")
    return mail


def _by_code(code: int) -> RetryableError | FatalError:
    message = f"the mail server answered {code}"
    return RetryableError(message) if 400 <= code < 500 or code < 0 else FatalError(message)
