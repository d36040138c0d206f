"""The databases of a project, guessed from its drivers, its variables and its schema files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pytest_resilience.init_command.declared import Guess
from pytest_resilience.init_command.project import Project

DRIVERS = ("psycopg2", "psycopg", "asyncpg", "aiopg", "pg8000")
_MAPPERS = ("sqlalchemy", "sqlmodel", "databases", "django.db")
_RUNTIME = ("pytest_resilience",)

_ADDRESS = re.compile(
    r"(?P<name>\w*?)_?(?:(?:SQLALCHEMY_)?DATABASE_(?:URL|URI|DSN)|DB_(?:URL|URI|DSN)|"
    r"(?:POSTGRES|POSTGRESQL|PG)_?(?:URL|URI|DSN)|DSN)"
)
_PART = re.compile(
    r"(?P<name>\w*?)_?(?:PG|DB|POSTGRES|POSTGRESQL|DATABASE)_?"
    r"(?P<part>HOST|PORT|USERNAME|USER|PASSWORD|PASS|DATABASE|DBNAME|NAME|DB)"
)
_OTHER_STORE = re.compile(
    r"(?:\w*_)?(?:(?:SENTRY|CACHE)_DSN|(?:REDIS|MONGO|COUCH|INFLUX|DYNAMO|DUCK|CLICKHOUSE|MYSQL|MARIA|ORACLE|MSSQL|"
    r"SNOWFLAKE|RABBITMQ|AMQP)_?(?:DB)?_?[A-Z]+)"
)
_PLACEHOLDER = {
    "HOST": "{host}",
    "PORT": "{port}",
    "USER": "{user}",
    "USERNAME": "{user}",
    "PASSWORD": "{password}",
    "PASS": "{password}",
    **dict.fromkeys(("DATABASE", "DBNAME", "NAME", "DB"), "{database}"),
}
_LIBPQ = {
    "PGHOST": "{host}",
    "PGPORT": "{port}",
    "PGUSER": "{user}",
    "PGPASSWORD": "{password}",
    "PGDATABASE": "{database}",
}
_SCHEMES = re.compile(r"(postgres(?:ql)?\+\w+)://")


def databases(project: Project) -> Iterator[Guess]:
    """Give one service for each database that the variables tell apart, or one if a driver is imported at all."""
    imported = _imported(project)
    if not imported:
        return
    found = _by_variables(project)
    guesses = list(found.values()) or [_without_variables(imported)]
    for guess in guesses:
        guess.seen += imported[:3]
        guess.files |= {each.rpartition(": ")[2].rpartition(":")[0] for each in imported}
        dialect = _dialect(project)
        if dialect:
            guess.values["dialect"] = dialect
    _add_schema(project, guesses)
    yield from guesses


def _imported(project: Project) -> list[str]:
    texts = [text for source in project.sources for text in source.texts]
    is_sqlite = any(text.startswith("sqlite") for text in texts) and not any(
        "postgres" in text for text in texts
    )
    libraries = DRIVERS if is_sqlite else (*DRIVERS, *_MAPPERS)
    return [
        f"{library} is imported: {source.at(line)}"
        for source in project.sources
        for library in libraries
        if (line := source.line_of(library))
    ] + [
        f"DATABASE_URL is what database_recovery of pytest_resilience reads: {source.at(line)}"
        for source in project.sources
        if (line := source.line_of(*_RUNTIME)) and "pytest_resilience.database_recovery" in source.imports
    ]


def _by_variables(project: Project) -> dict[str, Guess]:
    found: dict[str, Guess] = {}
    for source in project.sources:
        for variable, line in source.reads.items():
            matched = _ADDRESS.fullmatch(variable) or _PART.fullmatch(variable)
            if matched is None or _OTHER_STORE.fullmatch(variable):
                continue
            part = matched.groupdict().get("part")
            name = f"services.{matched['name'].strip('_').lower() or 'database'}"
            guess = found.setdefault(name, Guess(name, {"kind": "postgres", "env": {}}))
            guess.values["env"] = {**_env(guess), variable: _PLACEHOLDER[part] if part else "{dsn}"}
            guess.seen.append(f"{variable} is read: {source.at(line)}")
            guess.files.add(str(source.path))
    for guess in found.values():
        guess.values["env"] = _with_rest_of_libpq(_env(guess))
    return found


def _env(guess: Guess) -> dict[str, str]:
    env = guess.values["env"]
    return dict(env) if isinstance(env, dict) else {}


def _with_rest_of_libpq(env: dict[str, str]) -> dict[str, str]:
    """Add what libpq reads by itself of an address that the code gives it in part."""
    told = set(env.values())
    if _LIBPQ.keys().isdisjoint(env) or "{dsn}" in told:
        return env
    return env | {name: part for name, part in _LIBPQ.items() if part not in told}


def _without_variables(imported: list[str]) -> Guess:
    if any("DATABASE_URL" in each for each in imported):
        return Guess("services.database", {"kind": "postgres", "env": {"DATABASE_URL": "{dsn}"}})
    guess = Guess("services.database", {"kind": "postgres", "env": _LIBPQ})
    guess.todo.append(
        "no variable that names the database was seen; those of libpq work where the code gives no address itself"
    )
    return guess


def _dialect(project: Project) -> str | None:
    """Return the scheme of SQLAlchemy's addresses, where it says which driver."""
    written = {
        match[1] for source in project.sources for text in source.texts if (match := _SCHEMES.match(text))
    }
    if len(written) == 1:
        return written.pop()
    if any("sqlalchemy.ext.asyncio" in source.imports for source in project.sources):
        return "postgresql+asyncpg"
    mapped = any(source.line_of("sqlalchemy", "sqlmodel") for source in project.sources)
    return "postgresql+psycopg" if mapped and _has_only_psycopg3(project) else None


def _has_only_psycopg3(project: Project) -> bool:
    return any(source.line_of("psycopg") for source in project.sources) and not any(
        source.line_of("psycopg2") for source in project.sources
    )


def _add_schema(project: Project, guesses: list[Guess]) -> None:
    steps, seen = _schema(project)
    if not steps:
        guesses[0].todo.append('init = ["schema.sql"]: what makes its tables? no schema file was seen')
    elif len(guesses) == 1:
        guesses[0].values["init"] = steps
        guesses[0].seen += seen
    else:
        guesses[0].todo.append(f"init = {steps}: for which of the databases is it?")


def _schema(project: Project) -> tuple[list[str], list[str]]:
    if project.has_alembic:
        return ["{python} -m alembic upgrade head"], ["there is an alembic.ini"]
    if project.has_django:
        return ["{python} manage.py migrate"], ["there is a manage.py"]
    files = sorted(path.as_posix() for path in project.sql if _makes_tables(path))
    return files, [f"{file} looks like its schema" for file in files]


def _makes_tables(path: Path) -> bool:
    """Tell a schema from queries by its name or its folder; what takes tables away is none."""
    if re.search(r"(?i)down|rollback|undo|drop|revert|teardown", path.name):
        return False
    named = re.search(r"(?i)schema|init|create|setup|ddl|tables|structure", path.name)
    return bool(named) or bool({"migrations", "schema", "ddl"} & set(path.parts[:-1]))
