"""Which services a project depends on, guessed from what it imports and from the variables it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_resilience.init_command.alerts import is_of_alerts
from pytest_resilience.init_command.declared import Guess
from pytest_resilience.init_command.project import Project
from pytest_resilience.init_command.sightings import SourceFile
from pytest_resilience.init_command.tables import databases

HTTP_CLIENTS = ("requests", "httpx", "aiohttp", "urllib3", "urllib.request")
_HTTP_VARIABLE = re.compile(r"(?P<name>\w+?)(?:(?:_API)?(?:_BASE)?_(?:URL|URI|ENDPOINT)|_API)")
_NOT_HTTP = re.compile(
    r".*(?:DATABASE|POSTGRES|SLACK|PAGERDUTY|WEBHOOK|MLFLOW|REDIS|CELERY|BROKER|AMQP|RABBIT|MONGO|SENTRY|PROXY|AWS|S3|"
    r"^DB|^PG|OUTBOX|SQLALCHEMY).*|\w*DSN"
)


@dataclass(frozen=True, slots=True)
class _Known:
    """A library whose server is known: what it is called, where it listens, which variables find it.

    Of those that can be a queue's broker, which has an address, the scheme of one in the code tells which it is.
    """

    libraries: tuple[str, ...]
    name: str
    kind: str
    upstream: str
    env: tuple[tuple[str, str], ...]
    address: str = ""


_QUEUES = ("celery", "dramatiq")
"""Libraries that talk to a broker through another one, which is not imported."""
_BROKER = re.compile(r"\w*(?:BROKER|RESULT_BACKEND)(?:_(?:URL|URI))?")

_KNOWN = (
    _Known(
        ("redis", "aioredis"),
        "redis",
        "tcp",
        "127.0.0.1:6379",
        (
            (r"\w*(?:REDIS|CACHE)_?(?:URL|URI|DSN)", "redis://{host}:{port}/0"),
            (r"\w*REDIS_?HOST", "{host}"),
            (r"\w*REDIS_?PORT", "{port}"),
        ),
        "redis://{host}:{port}/0",
    ),
    _Known(
        ("pika", "aio_pika", "kombu"),
        "broker",
        "tcp",
        "127.0.0.1:5672",
        (
            (r"\w*(?:AMQP|RABBITMQ|BROKER)_?(?:URL|URI)", "amqp://guest:guest@{host}:{port}/"),
            (r"\w*RABBITMQ_?HOST", "{host}"),
            (r"\w*RABBITMQ_?PORT", "{port}"),
        ),
        "amqp://guest:guest@{host}:{port}/",
    ),
    _Known(
        ("pymongo", "motor"),
        "mongo",
        "tcp",
        "127.0.0.1:27017",
        ((r"\w*MONGO(?:DB)?_?(?:URL|URI)", "mongodb://{host}:{port}/"), (r"\w*MONGO(?:DB)?_?HOST", "{host}")),
    ),
    _Known(
        ("boto3", "aioboto3", "botocore"),
        "aws",
        "http",
        "http://127.0.0.1:9000",
        ((r"AWS_ENDPOINT_URL\w*|\w*S3\w*_(?:URL|ENDPOINT)", "{url}"),),
    ),
)


def guess_services(project: Project) -> list[Guess]:
    """Return the services, each with its reasons."""
    found = [*databases(project), *_mlflow(project), *_known(project)]
    found += _http(project, besides={variable for guess in found for variable in _pairs(guess)})
    taken: dict[str, int] = {}
    for guess in found:
        taken[guess.name] = taken.get(guess.name, 0) + 1
        if taken[guess.name] > 1:
            guess.name = f"{guess.name}_{taken[guess.name]}"
    return found


def _mlflow(project: Project) -> Iterator[Guess]:
    guess = Guess("services.registry", {"kind": "mlflow", "env": {"MLFLOW_TRACKING_URI": "{tracking_uri}"}})
    for source in project.sources:
        line = source.line_of("mlflow")
        if line:
            guess.seen.append(f"mlflow is imported: {source.at(line)}")
            guess.files.add(str(source.path))
    if guess.seen:
        del guess.seen[3:]
        yield guess


def _known(project: Project) -> Iterator[Guess]:
    queued = any(source.line_of(*_QUEUES) for source in project.sources)
    for known in _KNOWN:
        guess = Guess(f"services.{known.name}", {"kind": known.kind, "upstream": known.upstream})
        env: dict[str, str] = {}
        imported = False
        for source in project.sources:
            line = source.line_of(*known.libraries)
            imported = imported or bool(line)
            if line:
                guess.seen.append(f"{known.libraries[0]} is imported: {source.at(line)}")
                guess.files.add(str(source.path))
            for variable, at in source.reads.items():
                template = _template(known, source, variable, queued=queued)
                if template:
                    env[variable] = template
                    guess.seen.append(f"{variable} is read: {source.at(at)}")
                    guess.files.add(str(source.path))
        is_needed = (queued and known.address) or any(map(project.mentions, known.libraries))
        if imported or (env and is_needed):
            yield _finished(guess, env)


def _template(known: _Known, source: SourceFile, variable: str, *, queued: bool) -> str | None:
    """Return what a variable is set to where it finds this server; the scheme of its default tells brokers apart."""
    if queued and known.address and _BROKER.fullmatch(variable):
        told = [each for each in _KNOWN if each.address and _has_address_of(source, each)]
        if told:
            return known.address if known in told else None
    return next((each for form, each in known.env if re.fullmatch(form, variable)), None)


def _has_address_of(source: SourceFile, known: _Known) -> bool:
    scheme = known.address.partition("://")[0]
    return any(re.match(rf"(?:py)?{scheme}s?://", text) for text in source.texts)


def _finished(guess: Guess, env: dict[str, str]) -> Guess:
    guess.todo.append(
        "upstream is a guess: name one for tests, or a command that serves on {port}; never production"
    )
    if env:
        guess.values["env"] = env
    else:
        guess.todo.append(
            'env = { NAME = "..." }: how does the code find it? no environment variable was seen'
        )
    return guess


def _http(project: Project, *, besides: set[str]) -> Iterator[Guess]:
    """Give a service for each address that leads to nothing else, where an HTTP client is imported at all."""
    clients = [(source, line) for source in project.sources if (line := source.line_of(*HTTP_CLIENTS))]
    if not clients:
        return
    found: dict[str, Guess] = {}
    for source in project.sources:
        for variable, line in source.reads.items():
            matched = _HTTP_VARIABLE.fullmatch(variable)
            if (
                matched
                and variable not in besides
                and not is_of_alerts(variable)
                and not _NOT_HTTP.fullmatch(variable)
            ):
                name = f"services.{matched['name'].lower()}"
                guess = found.setdefault(
                    name, Guess(name, {"kind": "http", "upstream": "http://127.0.0.1:8080", "env": {}})
                )
                guess.values["env"] = {**_pairs(guess), variable: "{url}"}
                guess.seen.append(f"{variable} is read: {source.at(line)}")
                guess.files.add(str(source.path))
    for guess in found.values():
        source, line = clients[0]
        guess.seen.append(f"an HTTP client is imported: {source.at(line)}")
        guess.todo.append(
            "upstream is a guess: name a stub, as a command that serves on {port}, or an address; never production"
        )
        yield guess


def _pairs(guess: Guess) -> dict[str, str]:
    env = guess.values.get("env")
    return dict(env) if isinstance(env, dict) else {}
