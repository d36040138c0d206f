import re

from pytest_resilience import Redactor, StructuredErrorLogger
from pytest_resilience.runtime.redaction import RULES, Rule
from pytest_resilience.runtime.redaction.keys import PASSING

redactor = Redactor(
    rules=[*RULES, Rule("bed", re.compile(r"\bbed \d+\w?"))],
    passing=PASSING | {"ward"},  # a name of the hospital's, not of a person
)
log = StructuredErrorLogger("icu.scoring", redactor=redactor)

assert redactor.value({"ward": "Florence", "note": "in bed 12b, SSN 123-45-6789"}) == {
    "ward": "Florence",
    "note": "in [redacted:bed], SSN [redacted:ssn]",
}
