"""Planted identifiers: texts that hold something that must not pass, each for the rule that takes it out."""

import random
from dataclasses import dataclass

import pytest

LETTERS = "abcdefghijkmnopqrstuvwxyz"
GIVEN = (
    "Maria",
    "John",
    "Eleanor",
    "Jürgen",
    "Anne-Marie",
    "Olu",
    "Xiadani",
    "Thandiwe",
    "Siobhán",
    "Bartholomew",
)
FAMILY = (
    "Garcia",
    "Smith",
    "O'Brien",
    "Okonkwo",
    "Vance-Cole",
    "Núñez",
    "Kowalczyk",
    "Zawadzki",
    "Ferreira",
    "Quill",
)


@dataclass(frozen=True)
class Plant:
    """A text, the part of it that must not pass, and the rule that sees to it.

    `judged` says whether the text travels as free text; otherwise in a field whose name is listed as passing.
    """

    rule: str
    text: str
    needle: str
    judged: bool = True


class Gardener:
    """Make plants from a seed: no two alike."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def digits(self, count):
        """Return so many digits, the first not 0."""
        return str(self.random.randrange(10 ** (count - 1), 10**count))

    def word(self, length=12):
        """Return a word that no dictionary has."""
        return "".join(self.random.choice(LETTERS) for _ in range(length))

    def choice(self, *texts):
        """Return one of these."""
        return self.random.choice(texts)

    def person(self):
        """Return a given and a family name."""
        return self.random.choice(GIVEN), self.random.choice(FAMILY) + self.random.choice("abcdefgh")

    def nhs_number(self):
        """Return ten digits with a valid check digit."""
        while True:
            nine = self.digits(9)
            check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(nine)) % 11
            if check != 10:
                return f"{nine}{check % 11}"

    def ssn(self):
        """Plant a social security number."""
        number = f"{self.digits(3)}-{self.digits(2)}-{self.digits(4)}"
        number = number.replace("-", self.choice("-", " ", ".", "\u2013"))
        return Plant(
            "ssn", self.choice(f"SSN {number} is wrong", f"no row for {number}.", f"({number})"), number
        )

    def nhs(self):
        """Plant an NHS number in a field that is not judged."""
        number = self.nhs_number()
        return Plant("nhs-number", f"score {number} again", number, judged=False)

    def record_number(self):
        """Plant a number that only the word before it gives away."""
        number = self.digits(self.random.choice((4, 5)))
        cue = self.choice(
            "MRN ", "mrn: ", "medical record number ", "patient ", "patient id = ", "stay ", "encounter #"
        )
        return Plant("record-number", f"cannot load {cue}{number} now", number)

    def email(self):
        """Plant an e-mail address."""
        address = f"{self.word(6)}.{self.word(5)}@{self.word(7)}.example.org"
        return Plant(
            "email", self.choice(f"mail to {address} bounced", f"<{address}>", f"user={address}"), address
        )

    def phone(self):
        """Plant a telephone number."""
        number = self.choice(
            f"+44 20 {self.digits(4)} {self.digits(4)}",
            f"({self.digits(3)}) {self.digits(3)}-{self.digits(4)}",
            f"{self.digits(3)}-{self.digits(3)}-{self.digits(4)}",
            f"+1{self.digits(10)}",
            f"0{self.digits(2)} {self.digits(4)} {self.digits(4)}",
        )
        return Plant("phone", f"no answer from {number}, giving up", number)

    def day(self):
        """Return a day, in one of the forms that people write."""
        year, month, day = (
            self.random.randrange(1920, 2010),
            self.random.randrange(1, 13),
            self.random.randrange(1, 29),
        )
        name = (
            "Jan",
            "Feb",
            "March",
            "April",
            "May",
            "June",
            "Jul",
            "August",
            "Sept",
            "Oct",
            "Nov",
            "December",
        )[month - 1]
        return self.choice(
            f"{year}-{month:02}-{day:02}", f"{day:02}/{month:02}/{year}", f"{day} {name} {year}"
        )

    def birth_date(self):
        """Plant a day that the word before it gives away, in a field that is not judged."""
        day = self.day()
        return Plant(
            "birth-date",
            self.choice(f"born {day}", f"DOB {day} is late", f"date of birth {day}"),
            day,
            judged=False,
        )

    def date(self):
        """Plant a day without any word before it."""
        day = self.day()
        return Plant("date", f"nothing for {day} here", day)

    def hl7(self):
        """Plant a name in an HL7 segment, after the fields that other rules know."""
        street = self.word()
        return Plant("hl7", f"cannot parse\rPID|1||x||a^b||||||{street} road^^town|F\rOBR|1", street)

    def fhir(self):
        """Plant a patient's id in a URL."""
        key = f"{self.word(5)}-{self.digits(2)}"
        return Plant(
            "fhir", self.choice(f"GET https://fhir/Patient/{key} failed", f"no /api/patients/{key}/labs"), key
        )

    def bearer(self):
        """Plant a bearer token."""
        token = self.word(20)
        return Plant("bearer", f"server refused bearer {token} with 401", token)

    def token(self):
        """Plant a token that begins as such tokens do."""
        secret = self.word(20).title()
        return Plant(
            "token",
            self.choice(f"sent eyJ{secret}.{secret}.x", f"used ghp_{secret}", f"AKIA{secret.upper()}"),
            secret[1:],
        )

    def private_key(self):
        """Plant a private key."""
        key = self.word(30)
        return Plant(
            "private-key", f"-----BEGIN RSA PRIVATE KEY-----\n{key}\n-----END RSA PRIVATE KEY-----", key
        )

    def url_credentials(self):
        """Plant a password in a URL."""
        secret = self.word(9) + self.choice("", "/x", "#1", "@", "?")
        return Plant(
            "url-credentials", f"cannot reach postgresql://icu:{secret}@warehouse:5432/icu", secret[:9]
        )

    def connection_string(self):
        """Plant what libpq quotes of a connection string whose password it took apart."""
        secret = self.word(10)
        text = self.choice('could not translate host name "{}@db" to address', 'missing "=" after "{}" in it')
        return Plant("connection-string", text.format(secret), secret)

    def query(self):
        """Plant a key in a URL's query."""
        secret = self.word(16)
        name = self.choice("sig", "k", "subject", "appid")
        return Plant("query", f"404 for /v1/labs?page=2&{name}={secret} (host labs)", secret)

    def field(self):
        """Plant a value behind the name of a sensitive field."""
        secret = self.word(10)
        name = self.choice("password", "api_key", "DB_PASSWORD", "client-secret", "accessToken", "PGPASSWORD")
        person = self.choice(
            "'patient_name': '{}'", '"ssn": "{}"', "date of birth: {}", "patient={}", "'mrn':'{}'"
        )
        return Plant(
            "field", self.choice(f"{name}={secret}", f"'{name}': '{secret}'", person.format(secret)), secret
        )

    def option(self):
        """Plant a secret on a command line."""
        secret = self.word(10)
        text = self.choice(
            "run with --password {} again",
            "Command '['x', '--api-key', '{}']' failed",
            "curl -u bob:{} http://h",
        )
        return Plant("option", text.format(secret), secret)

    def pair(self):
        """Plant a secret in a list of pairs."""
        secret = self.word(10)
        text = self.choice(
            "headers [('a', 'b'), ('X-Api-Key', '{}')]", '[["password", "{}"]]', "((b'token', b'{}'),)"
        )
        return Plant("pair", text.format(secret), secret)

    def element(self):
        """Plant a secret in an XML element."""
        secret = self.word(10)
        text = self.choice(
            "<password>{}</password>", '<wsse:Password Type="x">{} </wsse:Password>', "<token>{}"
        )
        return Plant("element", text.format(secret), secret)

    def postgres_detail(self):
        """Plant a value in PostgreSQL's DETAIL."""
        value = self.word()
        return Plant(
            "postgres-detail",
            self.choice(
                f'violates unique constraint "pk"\nDETAIL:  Key (los, unit)=(1.5, {value}) already exists.',
                f"DETAIL:  Failing row contains (1, {value}, null).",
            ),
            value,
        )

    def quoted_value(self):
        """Plant a value that a database or Python quotes because it does not like it."""
        value = self.word()
        return Plant(
            "quoted-value",
            self.choice(
                f'invalid input syntax for type integer: "{value}"',
                f"could not convert string to float: '{value}'",
                f"invalid literal for int() with base 10: '{value}'",
                f'COPY icustays, line 7, column los: "{value}"',
                f"time data '{value}' does not match format '%Y'",
            ),
            value,
        )

    def sql_literal(self):
        """Plant a literal in a statement."""
        value = self.word()
        return Plant(
            "sql-literal",
            self.choice(
                "LINE 1: INSERT INTO raw.icustays VALUES (1, '{}', 2)",
                "failed: select los from raw.icustays where unit = '{}'",
                "UPDATE raw.icustays SET unit = E'it''s {}' WHERE los > 3",
                "DELETE FROM raw.icustays WHERE unit = $q${}$q$",
            ).format(value),
            value,
        )

    def name(self):
        """Plant a person's name."""
        given, family = self.person()
        text = self.choice(
            f"cannot score patient {given} {family} now",
            f"{given} {family} has no labs",
            f"asked Mr {family} twice",
            f"for {given} van {family} only",
            f"{family}, {given}: not found",
        )
        return Plant("name", text, family)

    def capitals(self):
        """Plant a name in capitals, as registers print them."""
        given, family = self.word(6).upper(), self.word(8).upper()
        return Plant(
            "capitals", self.choice(f"no {family}^{given}^Q here", f"no {family}, {given} here"), family
        )

    def number(self):
        """Plant a long number that nothing explains."""
        number = self.digits(self.random.choice((7, 8, 9)))
        return Plant("number", f"nothing known of {number} today", number)

    def kinds(self):
        """Return the functions above that plant."""
        return (
            *(
                self.ssn,
                self.nhs,
                self.record_number,
                self.email,
                self.phone,
                self.birth_date,
                self.date,
                self.hl7,
            ),
            *(
                self.fhir,
                self.bearer,
                self.token,
                self.private_key,
                self.url_credentials,
                self.connection_string,
                self.query,
                self.field,
                self.option,
                self.pair,
                self.element,
            ),
            *(
                self.postgres_detail,
                self.quoted_value,
                self.sql_literal,
                self.name,
                self.capitals,
                self.number,
            ),
        )


@pytest.fixture(scope="session")
def plants():
    """One thousand and more planted identifiers."""
    gardener = Gardener(20260101)
    return [plant() for _ in range(48) for plant in gardener.kinds()]
