"""How a project alerts, guessed from the variables that it reads."""

from __future__ import annotations

import re

from pytest_resilience.init_command.declared import Guess
from pytest_resilience.init_command.project import Project

_VARIABLES = (
    (re.compile(r"\w*SLACK\w*(?:URL|HOOK)\w*"), "{slack}"),
    (re.compile(r"\w*(?:PAGERDUTY|PD)_\w*URL"), "{pagerduty}"),
    (re.compile(r"\w*(?:PAGERDUTY|PD)_\w*KEY"), "0" * 32),
    (re.compile(r"\w*(?:SMTP|MAIL|EMAIL)_?(?:HOST|SERVER)"), "{smtp_host}"),
    (re.compile(r"\w*(?:SMTP|MAIL|EMAIL)_?PORT"), "{smtp_port}"),
)
_OF_RUNTIME = {
    "PAGERDUTY_EVENTS_URL": "{pagerduty}",
    "PAGERDUTY_ROUTING_KEY": "0" * 32,
    "SLACK_WEBHOOK_URL": "{slack}",
    "SMTP_HOST": "{smtp_host}",
    "SMTP_PORT": "{smtp_port}",
}
_SENDERS = ("smtplib", "aiosmtplib", "slack_sdk", "pagerduty", "pdpyras", "apprise")


def guess_alerts(project: Project) -> list[Guess]:
    """Return the table of alerts, or nothing where none was seen."""
    guess, env, todo = Guess("alerts"), {}, []
    for source in project.sources:
        for variable, line in source.reads.items():
            template = _template(variable)
            if template:
                env[variable] = template
                guess.seen.append(f"{variable} is read: {source.at(line)}")
        line_of_sender = source.line_of(*_SENDERS)
        if line_of_sender:
            todo.append(f"alerts may be sent at {source.at(line_of_sender)}")
        if {"pytest_resilience.AlertRouter", "pytest_resilience.StructuredErrorLogger"} & set(source.imports):
            env = _OF_RUNTIME | env
            guess.seen.append(f"pytest_resilience alerts, by these variables: {source.path.as_posix()}")
    guess.values = {"env": env}
    if env and not any(value.startswith("{") for value in env.values()):
        guess.todo.append(
            'env: name the variable with the address too, as `PAGERDUTY_EVENTS_URL = "{pagerduty}"`: alerts would go '
            "to the real service"
        )
    return [guess] if env else _only_comments(todo)


def is_of_alerts(variable: str) -> bool:
    """Tell whether a variable says where alerts go."""
    return _template(variable) is not None


def _template(variable: str) -> str | None:
    return next((each for form, each in _VARIABLES if form.fullmatch(variable)), None)


def _only_comments(todo: list[str]) -> list[Guess]:
    """Say what an `[alerts]` would need; an empty one would be refused."""
    where = "; ".join(todo[:3]) or "no alert was seen in the code"
    return [Guess("", seen=[f"TODO: {where}: declare [alerts] with `env`, or with `rules` on log lines"])]
