"""A secret or a name does not pass because of the form in which it is quoted, listed or escaped."""

import json
import re
import subprocess

import pytest

from pytest_resilience.runtime.redaction import DEFAULT_REDACTOR

ESCAPED = [
    r"bad value {'patient_name': 'O\'Kestrel', 'los': 3}",
    repr({"patient_name": "O'\"Kestrel", "los": 3}),
    json.dumps({"request": json.dumps({"password": 'a"Kestrel', "los": 3})}),
    json.dumps(json.dumps({"request": json.dumps({"password": 'a"Kestrel', "los": 3})})),
    r"host=h password='hun\'ter Kestrel' dbname=d",
    "host=h password='it''s Kestrel' dbname=d",
    "password:\n   Kestrel",
    "{'Cookie': 'sid=\"a\"; b=Kestrel', 'los': 3}",
]
LITERALS = [
    r"insert into p values (E'O\'Kestrel')",
    r"insert into p values ('O\'Kestrel')",
    r"insert into p values (\'O\', \'Kestrel\')",
    "insert into p values (U&'Kestrel')",
    "select $$Kestrel$$; select $a$Kestrel$a$",
    "select 'Kestrel'::uuid",
    "call admit('Kestrel', 1)",
    "select admit ( 'Kestrel' )",
]
COMMANDS = [
    str(subprocess.CalledProcessError(1, ["curl", "-u", "bob:Kestrel", "--password", "Kestrel"])),
    str(subprocess.TimeoutExpired(["pg_dump", "--password", "Kestrel"], 3)),
    str(subprocess.CalledProcessError(1, "psql --password Kestrel -h x")),
    "argv ['psql','--password','Kestrel']",
    json.dumps({"request": json.dumps(["x", "--api-key", "Kestrel"])}),
    "--password 'a Kestrel'",
]
PAIRS = [
    str(ValueError([("password", "Kestrel"), ("Authorization", "Kestrel")])),
    "headers: [('Accept', 'x'), ('X-Api-Key', 'O\\'Kestrel')]",
    json.dumps([["password", "Kestrel"]]),
]
ELEMENTS = [
    "<password>Kestrel</password>",
    '<wsse:Password Type="x">O Kestrel</wsse:Password>',
    "<patient><name>Kestrel</name><sex>f</sex></patient>",
    "<password>O Kestrel",
    "<password>O Kestrel</password >",
]
CONNECTIONS = [
    "postgresql://u:p@ss:w/rdKestrel@h:5432/d",
    "postgresql://u:a[bKestrel@h:5432/d",
    "invalid DSN postgresql://app:ab cdKestrel@db:5432/icu",
    "https://a:b@h1,https://c:Kestrel@h2",
    'could not translate host name "ssKestrel@db" to address: Name or service not known',
    'connection to server at "ssKestrel@127.0.0.1", port 5432 failed',
    "konnte Hostnamen »ssKestrel@db« nicht in Adresse übersetzen",
    'invalid dsn: missing "=" after "cdKestrel" in connection info string',
    "fehlendes »=« nach »cdKestrel« in der Zeichenkette der Verbindungsdaten",
    "host=db password=ab cd Kestrel dbname=x",
    'invalid integer value "Kestrel" for connection option "port"',
    'invalid percent-encoded token: "a%zzKestrel"',
]


@pytest.mark.parametrize("text", CONNECTIONS)
def test_a_password_passes_in_no_part(text):
    """With an @, a bracket or a blank that was not encoded, and as libpq reports on it."""
    shown = DEFAULT_REDACTOR.text(text, judged=False)

    assert "Kestrel" not in shown
    assert DEFAULT_REDACTOR.text(shown, judged=False) == shown


FORMS = [
    f"github_pat_11ABCDEFG0abcdefghijkl_{'aB3' * 19}",
    "dapi" + "9b86ad34" * 4,
    "AIza" + "SyA12345_" * 4,
    "sk_" + "live_bLd9Rb9xqODtLMulxluWx2Mq",
    "rk_" + "test_bLd9Rb9xqODtLMulxluWx2Mq",
    "hf_" + "iAsHY2rDwOAsAKAc6AjmaE814NGBJ87Toc",
    "https://h/users/erika.mustermann%40example.org/labs",
]


@pytest.mark.parametrize("form", FORMS)
def test_what_has_a_form_of_its_own_does_not_pass(form):
    """Whose tokens they are is seen, and an address with its @ encoded."""
    shown = DEFAULT_REDACTOR.text(f"could not use {form} there", judged=False)

    assert "[redacted:" in shown
    assert form[-14:-6] not in shown
    assert shown.endswith(" there")


@pytest.mark.parametrize("gap", [" ", "  ", "\t", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"])
@pytest.mark.parametrize(
    "name", ["Erika{}Mustermann", "ROE{}JANE", "MUSTERMANN,{}ERIKA", "Dr.{}Grey", "Patient{}Roe"]
)
def test_a_name_does_not_pass_whatever_is_between_its_words(name, gap):
    """Two columns of a table, or a space that a form put there to keep the name on one line."""
    shown = DEFAULT_REDACTOR.text(f"no bed for {name.format(gap)} today")

    assert "[redacted:" in shown
    assert not {"erika", "mustermann", "jane", "roe", "grey"} & set(re.findall(r"[a-z]+", shown.lower()))


@pytest.mark.parametrize("text", [*COMMANDS, *PAIRS, *ELEMENTS])
def test_a_value_does_not_pass_without_an_equals_sign(text):
    """Behind an option, beside its name in a pair, inside an element."""
    shown = DEFAULT_REDACTOR.text(text, judged=False)

    assert "Kestrel" not in shown
    assert DEFAULT_REDACTOR.text(shown, judged=False) == shown


@pytest.mark.parametrize("text", [*ESCAPED, *LITERALS])
def test_a_quote_inside_does_not_end_the_value(text):
    """Escaped, doubled, quoted once more, in dollars."""
    assert "Kestrel" not in DEFAULT_REDACTOR.text(text, judged=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ESCAPED[0], "bad value {'patient_name': [redacted:personal], 'los': 3}"),
        (ESCAPED[2], r'{"request": "{\"password\": [redacted:secret], \"los\": 3}"}'),
        (ESCAPED[4], "host=h password=[redacted:secret] dbname=d"),
        (
            COMMANDS[0].partition(" returned")[0],
            "Command '['curl', '-u', bob:[redacted:secret], '--password', [redacted:secret]]'",
        ),
        (
            "[('Accept', 'x'), ('X-Api-Key', 'y')] 401",
            "[('Accept', 'x'), ('X-Api-Key', [redacted:secret])] 401",
        ),
        (CONNECTIONS[0], "postgresql://[redacted:url-credentials]@h:5432/d"),
        (CONNECTIONS[2], "invalid DSN postgresql://[redacted:url-credentials]@db:5432/icu"),
        (
            CONNECTIONS[5],
            'connection to server at "[redacted:connection-string]@127.0.0.1", port 5432 failed',
        ),
        ("<a><password>x</password><b>y</b></a>", "<a><password>[redacted:secret]</password><b>y</b></a>"),
        ('{"password": "", "unit": ""}', '{"password": [redacted:secret], "unit": ""}'),
        ("select los from p where unit = 'a' and los = E'b'", "select los from p where unit = ? and los = ?"),
        ("couldn't call the model or select a unit", "couldn't call the model or select a unit"),
    ],
)
def test_what_is_around_stays(text, expected):
    """Only the value goes."""
    assert DEFAULT_REDACTOR.text(text) == expected
