"""Tell the operators by e-mail; a message that could not be sent is tried again by the next run."""

import os
import smtplib
from email.message import EmailMessage
from pathlib import Path

from dispatch.faults import DispatchError

FOLDER = Path("unsent")


def page(error: DispatchError) -> None:
    """Write a message to disk and send it."""
    FOLDER.mkdir(exist_ok=True)
    message = EmailMessage()
    message["From"], message["To"] = os.environ["ALERT_EMAIL_FROM"], os.environ["ALERT_EMAIL_TO"]
    message["Subject"] = f"CRITICAL: orders are not dispatched, {error.service} fails"
    message.set_content(f"{error}\nSee runbooks/{error.service}.md.")
    fresh = FOLDER / f"{error.service}.new"
    fresh.write_bytes(bytes(message))
    fresh.rename(FOLDER / f"{error.service}.eml")
    send_all()


def send_all() -> None:
    """Send what is there."""
    for file in sorted(FOLDER.glob("*.eml")):
        try:
            with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"]), timeout=2) as server:
                server.sendmail(
                    os.environ["ALERT_EMAIL_FROM"], os.environ["ALERT_EMAIL_TO"], file.read_bytes()
                )
        except (OSError, smtplib.SMTPException):
            return
        file.unlink()
