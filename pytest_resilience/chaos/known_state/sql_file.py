"""An SQL file of `init`, run as a whole in one transaction, without psql."""

from __future__ import annotations

from pathlib import Path

from pytest_resilience.errors import HarnessError
from pytest_resilience.proxy.wire.sql.tokens import Kind, Token, all_tokens, tokens
from pytest_resilience.services.postgres import PostgresAddress

HARMLESS = ("\\restrict", "\\unrestrict")
"""What pg_dump writes around its statements, to tell psql which commands of its own to refuse."""


class InitError(HarnessError):
    """Say which step of `init` failed, and how."""


def run_sql_file(file: Path, address: PostgresAddress, database: str) -> None:
    """Run a file in one transaction.

    Raises:
        InitError: it cannot be read, has what psql alone understands, or the server refuses it.
    """
    sql = statements_of(file)
    if next(tokens(sql), None) is None:
        return
    import psycopg2

    try:
        with address.connect(database) as connection, connection.cursor() as cursor:
            connection.autocommit = False
            cursor.execute(sql)
            connection.commit()
    except psycopg2.Error as error:
        raise InitError(f"{file}{_line(sql, error)}: {str(error).strip()}") from error


def statements_of(file: Path) -> str:
    """Return what a server can run of a file.

    Raises:
        InitError: it cannot be read, or has what psql alone understands.
    """
    try:
        sql = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InitError(f"{file}: cannot be read as UTF-8 text: {error}") from error
    sql = "\n".join(
        "" if line.split(maxsplit=1)[:1] and line.split(maxsplit=1)[0] in HARMLESS else line
        for line in sql.split("\n")
    )
    for token in all_tokens(sql):
        if token.text == "\\" and token.kind is Kind.SYMBOL:
            raise InitError(_of_psql(file, sql, token))
    return sql


def _of_psql(file: Path, sql: str, token: Token) -> str:
    line = sql.count("\n", 0, token.start) + 1
    command = sql[token.start :].split(maxsplit=1)[0]
    what = f"{file}:{line}: {command!r} is a command of psql, which the server does not know; "
    if command == "\\.":
        return (
            what
            + "pg_dump writes the rows as statements with --inserts, or run the file by a command: psql -f"
        )
    return what + 'remove it, or run the file by a command: init = ["psql -v ON_ERROR_STOP=1 -f ..."]'


def _line(sql: str, error: object) -> str:
    """Return `:line` of where the server found the mistake, empty where it does not say."""
    position = getattr(getattr(error, "diag", None), "statement_position", None)
    return "" if position is None else f":{sql.count(chr(10), 0, int(position) - 1) + 1}"
