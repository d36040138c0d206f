"""Whose exception it is: a library's, Python's own, or the team's."""

from __future__ import annotations

from collections.abc import Sequence


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LIBRARIES = _words(
    "psycopg2 psycopg psycopg_pool sqlalchemy requests urllib3 httpx httpcore h11 h2 aiohttp asyncpg aiopg redis "
    "botocore boto3 s3transfer smtplib aiosmtplib mlflow http urllib socket ssl json pymysql MySQLdb mysql pymongo "
    "kafka confluent_kafka aiokafka pika aio_pika amqp kombu celery grpc elasticsearch opensearchpy cassandra "
    "paramiko ftplib imaplib poplib websockets websocket google azure docker kubernetes stripe slack_sdk "
    "pagerduty tenacity stamina pybreaker circuitbreaker aiobreaker simplejson orjson ujson pydantic pandas "
    "concurrent asyncio anyio trio minio pyodbc oracledb cx_Oracle snowflake hvac ldap3 zeep suds pycurl treq twisted "
    "peewee tortoise django pyarrow sqlite3 duckdb clickhouse_driver neo4j influxdb_client"
)
"""Top-level packages whose exceptions a caller of the team's code should not have to know."""

OS_ERRORS = _words(
    "OSError IOError EnvironmentError ConnectionError ConnectionRefusedError ConnectionResetError "
    "ConnectionAbortedError BrokenPipeError TimeoutError InterruptedError BlockingIOError EOFError"
)
"""What the operating system's failures are in Python."""

ACCIDENTS = _words(
    "TypeError AttributeError KeyError IndexError NameError UnboundLocalError AssertionError UnicodeDecodeError "
    "LookupError ZeroDivisionError RecursionError StopIteration ImportError ModuleNotFoundError "
    "NotImplementedError SystemError MemoryError"
)
"""Raised by code that met something it did not think of."""

DELIBERATE = _words("ValueError RuntimeError Exception")
"""Raised by hand as often as by accident: with a cause they were meant."""


def split_class(name: str) -> tuple[str, str]:
    """Return the top-level package and the class of `requests.exceptions.Timeout`; builtins have none."""
    package, _, _rest = name.partition(".")
    last = name.rpartition(".")[2]
    return ("", last) if package in {name, "builtins"} else (package, last)


def is_raw(classes: Sequence[str]) -> bool:
    """Tell whether an exception crosses as it came from below, rather than translated.

    Args:
        classes: with their modules, the outermost first.
    """
    package, name = split_class(classes[0])
    if package:
        return package in LIBRARIES
    if name in OS_ERRORS or name in DELIBERATE:
        return len(classes) < 2 or split_class(classes[1]) == ("", name)
    return name in ACCIDENTS
