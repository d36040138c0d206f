"""Names of fields: those whose values never pass, and those whose values are not judged as free text."""

from __future__ import annotations

import re

CREDENTIALS = (
    *("password", "passwd", "passphrase", "pwd", "pgpassword", "secret", "token", "apikey", "accesskey"),
    *("privatekey", "secretkey", "routingkey", "signingkey", "authorization", "credential", "credentials"),
    *("cookie", "setcookie", "sessionid", "sessionkey", "webhookurl", "bearer", "jwt", "otp", "pin"),
)
"""Secrets; a name that ends in one of these is one too (`db_password`)."""

IDENTIFIERS = (
    *("ssn", "socialsecurity", "socialsecuritynumber", "mrn", "medicalrecord", "medicalrecordnumber", "nhs"),
    *(
        "nhsnumber",
        "patient",
        "patientid",
        "patientidentifier",
        "patientnumber",
        "subjectid",
        "hadmid",
        "stayid",
    ),
    *(
        "icustayid",
        "encounterid",
        "visitid",
        "csn",
        "accountnumber",
        "memberid",
        "policynumber",
        "insuranceid",
    ),
    *("passport", "passportnumber", "driverslicense", "licensenumber", "nationalid", "taxid", "deviceserial"),
)
"""Numbers that stand for a person (HIPAA's list of identifiers, and MIMIC's keys of persons and stays)."""

PERSONAL = (
    *("patientname", "firstname", "middlename", "lastname", "surname", "givenname", "familyname", "fullname"),
    *("maidenname", "nameofpatient", "nextofkin", "guardian", "dob", "dateofbirth", "birthdate", "birthday"),
    *(
        "dateofdeath",
        "dod",
        "deathdate",
        "address",
        "streetaddress",
        "street",
        "zipcode",
        "postcode",
        "postalcode",
    ),
    *(
        "phone",
        "phonenumber",
        "telephone",
        "mobile",
        "mobilenumber",
        "fax",
        "faxnumber",
        "email",
        "emailaddress",
    ),
    *("diagnosis", "clinicalnote", "clinicalnotes", "ethnicity", "religion", "gender", "sex", "race"),
)
"""What describes a person."""

DATA = (
    "params",
    "parameters",
    "sqlparameters",
    "bindparams",
    "row",
    "rowvalues",
    "values",
    "payload",
    "detail",
)
"""Where rows of data travel: SQL parameters, PostgreSQL's DETAIL, request bodies."""

DATA_IN_TEXT = ("params", "parameters", "sqlparameters", "bindparams", "rowvalues", "payload")
"""Those of them that introduce data in free text too; the others are everyday words there."""

PASSING = frozenset(
    (
        *(
            "operation",
            "component",
            "agent",
            "service",
            "dependency",
            "stage",
            "step",
            "task",
            "job",
            "workload",
        ),
        *("source_file", "target_table", "source", "target", "file", "filename", "path", "table", "schema"),
        *(
            "database",
            "column",
            "constraint",
            "index",
            "host",
            "hostname",
            "port",
            "method",
            "status",
            "state",
        ),
        *(
            "status_code",
            "error_code",
            "code",
            "sqlstate",
            "errno",
            "attempt",
            "attempts",
            "max_retries",
            "retry",
        ),
        *("model_name", "model", "model_version", "version", "run_id", "experiment", "metric", "environment"),
        *(
            "batch",
            "batch_id",
            "batch_size",
            "rows",
            "row_count",
            "rows_processed",
            "last_row",
            "offset",
            "count",
        ),
        *(
            "duration",
            "elapsed",
            "timeout",
            "delay",
            "threshold",
            "value",
            "limit",
            "level",
            "severity",
            "logger",
        ),
        *("correlation_id", "parent_id", "trace_id", "span_id", "fingerprint", "checkpoint", "operation_id"),
        *("resource", "channel", "queue", "topic", "region", "timestamp", "started_at", "finished_at", "at"),
        *(
            "error_type",
            "reason_code",
            "partition",
            "worker",
            "thread",
            "process",
            "pid",
            "module",
            "function",
        ),
    )
)
"""Fields that name parts of the system, not people: only what is certain is taken out of their values."""

PASSING_QUERY_KEYS = frozenset(
    (
        "page",
        "limit",
        "offset",
        "order",
        "order_by",
        "sort",
        "format",
        "_format",
        "_count",
        "max_results",
        "version",
    )
)
"""Keys of a URL's query whose values may be shown."""

_CREDENTIAL = re.compile(f"(?:{'|'.join(CREDENTIALS)})s?$")
_EXACT = {
    name: kind
    for kind, names in (("id", IDENTIFIERS), ("personal", PERSONAL), ("data", DATA))
    for name in names
}
_SEPARATORS = str.maketrans("", "", "_-. ")


def kind_of_key(key: str) -> str | None:
    """Return why the value under this name never passes, or None if it is looked at."""
    plain = key.translate(_SEPARATORS).lower()
    if kind := _EXACT.get(plain):
        return kind
    if _CREDENTIAL.search(plain):
        return "secret"
    return "personal" if plain.startswith("patient") and plain[7:] not in _COUNTS else None


_COUNTS = frozenset(("s", "count", "counts", "scount", "table", "stable", "file", "sfile"))
"""What may follow `patient` in a name that is not about one patient."""


def in_text(names: tuple[str, ...]) -> str:
    """Return a pattern of these names as they are written in text: `patientname` is also `patient_name`."""
    return "|".join(sorted((_spaced(name) for name in names), key=len, reverse=True))


_PARTS = re.compile(
    r"social|security|medical|record|number|patient|identifier|subject|hadm|stay|icu|encounter|visit|account|member"
    r"|policy|insurance|passport|drivers|license|national|tax|device|serial|first|middle|last|given|family|full"
    r"|maiden|name|next|kin|date|birth|death|address|street|zip|post|postal|code|phone|mobile|fax|email|clinical"
    r"|api|access|private|secret|routing|signing|key|session|set|cookie|webhook|url|sql|bind|params|row|values|of|id"
)


def _spaced(name: str) -> str:
    parts = _PARTS.findall(name)
    return r"[_\-. ]?".join(parts) if "".join(parts) == name else name
