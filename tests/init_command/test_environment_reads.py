"""Environment variables are seen in all the ways that people read them."""

from __future__ import annotations

import ast

import pytest

from pytest_resilience.init_command.environment_reads import environment_reads


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("os.environ['A']", ["A"]),
        ("os.environ.get('A', 'x')", ["A"]),
        ("os.getenv('A')", ["A"]),
        ("getenv('A') or environ['B']", ["A", "B"]),
        ("NAME = 'A'\nos.environ[NAME]", ["A"]),
        ("NAME = 'A'\nos.environ[NAME if loud else 'B']", ["A", "B"]),
        ("config('A', default='x')", ["A"]),
        ("env.str('A')", ["A"]),
        ("env('A')", ["A"]),
        ("click.option('--dsn', envvar='A')", ["A"]),
        ("class S(BaseSettings):\n    dsn: str\n    other: int = 1", ["DSN", "OTHER"]),
        (
            "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='APP_')\n    dsn: str",
            ["APP_DSN"],
        ),
        ("class S(BaseSettings):\n    dsn: str = Field(validation_alias='A')", ["A"]),
        ("class S(BaseSettings):\n    dsn: str = Field(alias=AliasChoices('A', 'B'))", ["A", "B"]),
        ("class S(BaseSettings):\n    dsn: str = Field(default='x', min_length=1)", ["DSN"]),
        ("dj_database_url.config(default='postgres://x', conn_max_age=600)", ["DATABASE_URL"]),
        ("dj_database_url.config(env='A')", ["A"]),
        ("env.db()", ["DATABASE_URL"]),
        ("env.db(var='A')", ["A"]),
        ("env.db('A')", ["A"]),
        ("os.environ[name]", []),
        ("settings['A']", []),
        ("mapping.get('A')", []),
        ("os.environ['lower case']", []),
    ],
)
def test_seen(code: str, expected: list[str]) -> None:
    """Names only, whatever the default is."""
    assert sorted(name for name, _ in environment_reads(list(ast.walk(ast.parse(code))))) == expected
