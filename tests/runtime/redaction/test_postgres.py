"""What PostgreSQL says behind its labels is data, whatever it says and in whatever language."""

# ruff: noqa: RUF001 - PostgreSQL speaks Russian, too
import logging
import traceback

import pytest

from pytest_resilience import CircuitBreaker, FixedDelay, Retry, StructuredErrorLogger
from pytest_resilience.runtime.redaction import DEFAULT_REDACTOR

NAME = "Kestrel"
SAID = [
    "procedure f(unknown) does not exist\nLINE 1: call f('Kestrel', 1, 2)\n             ^\nHINT:  ask Kestrel\n",
    "invalid input syntax for type uuid: \"Kestrel\"\nLINE 1: select 'Kestrel'::uuid\n               ^\n",
    "invalid input syntax for type integer: \"z\"\nLINE 3: ('Kestrel', 'x')\n         ^\n",
    "x\nLINE 1: ... kestrel ', 'a long text of Kestrel here', 'zz')\n                        ^\n",
    "syntax error\nLINE 1: selec 'K'\n        ^\nQUERY:  selec 'Kestrel'\nCONTEXT:  PL/pgSQL function g(text) line 1\n",
    'invalid json\nDETAIL:  Token "Kestrel" is invalid.\nCONTEXT:  JSON data, line 1: {"a": Kestrel...\n',
    "refused\nDETAIL:  the record of some Kestrel\nHINT:  ask Kestrel\n",
    'x violates "p"\nDETAIL:  Key (name)=(A\nKestrel) already exists.\n',
    'x violates "p"\nDETAIL:  Key (name)=(A) already exists.\nKestrel) already exists.\n',
    "x\nDETAIL:  Failing row contains (-1, Erika\nKestrel, x, null).\n",
    "Failing row contains (-1, Erika\nKestrel, x, null).",
    "x\nKey (name)=(A\nKestrel) already exists.",
    "Key (name)=(A\nKestrel) already exists.",
    'malformed array literal: "{Kestrel"\nLINE 1: x\n',
    'malformed record literal: "(1,Kestrel"',
    'invalid input syntax for type integer: "A\nKestrel"',
    'invalid input syntax for type integer: "A\nKestrel"\nLINE 1: x\n',
    'unterminated quoted string at or near "\'Kestrel"',
    'unterminated CSV quoted field\nCONTEXT:  COPY p, line 1: "1,"Kestrel\n"\n',
    "x\nDETAIL:  Schlüssel »(name)=(Kestrel)« existiert bereits.\n",
    "ungültige Eingabesyntax für Typ integer: »A\nKestrel«\nZEILE 1: select 'Kestrel'::int\nTIP:  x\n",
    "x\nDÉTAIL : La clé « (name)=(Kestrel) » existe déjà.\nLIGNE 1 : select 'Kestrel'\nASTUCE : Kestrel\n",
    "x\nTIP :  Kestrel\nKONTEXT:  SQL-Funktion »Kestrel«\nANFRAGE:  selec 'Kestrel'\n",
    "x\nПОДРОБНОСТИ:  Ключ \"(name)=(Kestrel)\" уже существует.\nСТРОКА 1: select 'Kestrel'\n",
    "x\n第1行select 'Kestrel'\n描述:  Kestrel\n",
]


class Refused(Exception):  # noqa: N818 - as drivers name theirs
    """A driver's error."""


def caught(error):
    """Raise it, for its traceback."""
    try:
        raise error
    except type(error):
        return error


@pytest.mark.parametrize("wrap", [str, lambda text: repr(text)[1:-1], lambda text: " ".join(text.split())])
@pytest.mark.parametrize("said", SAID)
def test_no_value_passes(said, wrap):
    """In the message itself, as repr() writes it, and put on one line."""
    assert NAME not in DEFAULT_REDACTOR.text(wrap(said), judged=False)


@pytest.mark.parametrize("said", SAID)
def test_twice_is_once(said):
    """An alert of a logged error shows what the log showed."""
    once = DEFAULT_REDACTOR.text(said)

    assert DEFAULT_REDACTOR.text(once) == once


@pytest.mark.parametrize("said", SAID)
def test_what_is_put_behind_it_later_stays(said):
    """What was redacted ends where it ended, when a text made of it is redacted again."""
    once = DEFAULT_REDACTOR.text(said)

    assert DEFAULT_REDACTOR.text(f"{once}\nloading goes on").endswith("\nloading goes on")


def test_names_of_the_schema_stay():
    """Constraint, key columns, table, line and column are what helps, and no data."""
    text = (
        'violates foreign key constraint "fk"\n'
        'DETAIL:  Key (unit, los)=(Kestrel, 1) is not present in table "units".\n'
        'CONTEXT:  COPY raw.icustays, line 7, column los: "Kestrel"\n'
    )
    expected = (
        'violates foreign key constraint "fk"\n'
        'DETAIL:  Key (unit, los)=([redacted:postgres-detail]) is not present in table "units".\n'
        "CONTEXT:  COPY raw.icustays, line 7, column los: [redacted:postgres-detail]\n"
    )

    assert DEFAULT_REDACTOR.text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'syntax error at or near "from"',
        'syntax error at or near ")"',
        "line 3: details in the query's context",
        'column "los" of relation "icustays" does not exist',
    ],
)
def test_what_helps_passes(text):
    """Names, key words and ordinary sentences are left alone."""
    assert DEFAULT_REDACTOR.text(text) == text


def test_a_traceback_stays_readable():
    """What a label stands for ends where the exception's text ends: frames and later exceptions stay."""
    error = ValueError("could not load the unit")
    error.__cause__ = caught(Refused(SAID[0]))
    whole = "".join(traceback.format_exception(caught(error)))
    shown = DEFAULT_REDACTOR.text(whole, judged=False)

    assert shown.splitlines()[-1] == "ValueError: could not load the unit"
    assert shown.count("Traceback (most recent call last):") == 2
    assert "The above exception was the direct cause" in shown
    assert NAME not in shown.partition("HINT")[2]


def test_sqlalchemys_statement_stays():
    """The statement behind a message is shown without its literals."""
    text = "(Refused) x\nDETAIL:  Kestrel\n\n[SQL: insert into p values ('Kestrel')]\n(Background on this error at: x)"

    assert DEFAULT_REDACTOR.text(text) == (
        "(Refused) x\nDETAIL:  [redacted:postgres-detail]\n\n[SQL: insert into p values (?)]\n"
        "(Background on this error at: x)"
    )


@pytest.mark.parametrize("said", SAID)
def test_nothing_passes_by_retry_breaker_and_cause(said, caplog):
    """The lines of the retry and the breaker, and the record of an error that was translated, show none of it."""

    def refuse():
        raise Refused(said)

    caplog.set_level(logging.DEBUG)
    for guard in (
        Retry(max_retries=1, backoff=FixedDelay(0), retriable_exceptions=(Refused,)),
        CircuitBreaker(1, 60, name="warehouse"),
    ):
        with pytest.raises(Refused) as failure:
            guard.call(refuse)
    translated = ValueError("not loaded")
    translated.__cause__ = failure.value
    StructuredErrorLogger("test.postgres").log_error(translated, {}, severity="LOW")

    assert {record.name for record in caplog.records} >= {"pytest_resilience", "test.postgres"}
    assert NAME not in "".join(
        str(vars(record) | {"message": record.getMessage()}) for record in caplog.records
    )
