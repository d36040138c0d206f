"""Names of fields: those whose values never pass, and those whose values are not judged as free text."""

from __future__ import annotations

import string

from pytest_resilience.runtime.redaction.login_pass import is_password

CREDENTIALS = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "api_key", "access_key", "private_key"),
    *(
        "secret_key",
        "routing_key",
        "signing_key",
        "subscription_key",
        "session_key",
        "authorization",
        "credential",
    ),
    *("cookie", "session_id", "webhook_url", "bearer", "jwt", "otp", "dsn"),
)
"""Secrets; a name that ends in one of these, or in its plural, is one too (`db_password`)."""

IDENTIFIERS = (
    *(
        "ssn",
        "social_security",
        "social_security_number",
        "mrn",
        "medical_record",
        "medical_record_number",
        "nhs",
    ),
    *("nhs_number", "patient", "patient_id", "patient_identifier", "patient_number", "subject_id", "hadm_id"),
    *(
        "stay_id",
        "icustay_id",
        "encounter_id",
        "visit_id",
        "csn",
        "account_number",
        "member_id",
        "policy_number",
    ),
    *(
        "insurance_id",
        "passport",
        "passport_number",
        "drivers_license",
        "license_number",
        "national_id",
        "tax_id",
    ),
)
"""Numbers that stand for a person (HIPAA's list of identifiers, and MIMIC's keys of persons and stays)."""

PERSONAL = (
    *(
        "patient_name",
        "first_name",
        "middle_name",
        "last_name",
        "surname",
        "given_name",
        "family_name",
        "full_name",
    ),
    *("maiden_name", "next_of_kin", "dob", "date_of_birth", "birth_date", "birthday", "date_of_death", "dod"),
    *("death_date", "address", "street_address", "street", "zip_code", "post_code", "postal_code", "phone"),
    *("phone_number", "telephone", "mobile", "mobile_number", "fax", "fax_number", "email", "email_address"),
    *("diagnosis", "clinical_note", "clinical_notes", "ethnicity", "religion", "gender", "sex", "race"),
)
"""What describes a person; and so does every name that begins with `patient`, but for counts."""

DATA = ("params", "parameters", "sql_parameters", "bind_params", "row_values", "payload")
"""Where rows of data travel."""

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
            "batch_id",
            "batch_size",
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

COUNTED = frozenset(("rows", "row", "batch", "records"))
"""Fields that say how many or which one: a container under such a name is the rows themselves, and does not pass."""

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

TO_THE_END_OF_THE_LINE = ("authorization", "cookie")
"""Headers: their values hold spaces."""

_PLURALS = {
    f"{name}s": kind
    for kind, names in (("identifier", IDENTIFIERS), ("personal", PERSONAL))
    for name in names
    if name != "patient" and (kind == "identifier" or "_" in name)
}
_KINDS = {
    name.replace("_", ""): kind
    for name, kind in (
        *((name, "identifier") for name in IDENTIFIERS),
        *((name, "personal") for name in PERSONAL),
        *((name, "data") for name in DATA),
        *_PLURALS.items(),
    )
}
_CREDENTIALS = tuple(f"{name.replace('_', '')}{plural}" for name in CREDENTIALS for plural in ("", "s"))
_LAST_WORDS = frozenset(
    part
    for name in (*CREDENTIALS, *IDENTIFIERS, *PERSONAL, *DATA, *_PLURALS)
    for part in (name.rpartition("_")[2], name.replace("_", ""))
)
_COUNTS = frozenset(
    ("s", "count", "counts", "scount", "table", "stable", "file", "sfile", "data", "agent", "service")
)
"""What may follow `patient` in a name that is not about one patient."""

_SQUEEZE = str.maketrans("", "", string.punctuation + string.digits + string.whitespace)
MAX_WORDS = 4
"""Words of a name, as in `date of birth:`."""

_MAX_KNOWN = 4_096
_known: dict[str, str | None] = {}


def kind_of_key(key: str) -> str | None:
    """Return why the value under this name never passes, or None if it is looked at."""
    try:
        return _known[key]
    except KeyError:
        kind = "secret" if is_password(key) else _kind(letters(key))
        if len(_known) < _MAX_KNOWN and len(key) < 64:
            _known[key] = kind
        return kind


def kind_of_phrase(phrase: str) -> str | None:
    """Return the kind of the longest run of words at the end of a phrase that is a sensitive name, if any is."""
    words = phrase.rsplit(None, MAX_WORDS)[-MAX_WORDS:]
    name = letters(words[-1]) if words else ""
    if name.endswith("pass") and is_password("_".join(words[-2:])):
        return "secret"
    if name not in _LAST_WORDS and not name.startswith("patient") and not name.endswith(_CREDENTIALS):
        return None
    for word in (*reversed(words[:-1]), ""):
        if kind := _kind(name):
            return kind
        name = letters(word) + name
    return None


def letters(name: str) -> str:
    """Return the letters of a name in lower case: `Patient_ID` and `patient id` are one."""
    return name.translate(_SQUEEZE).lower()


def _kind(plain: str) -> str | None:
    if kind := _KINDS.get(plain):
        return kind
    if plain.endswith(_CREDENTIALS):
        return "secret"
    return (
        "personal" if plain.startswith("patient") and plain.removeprefix("patient") not in _COUNTS else None
    )
