"""What identifies a patient, by its form or by the word before it."""

from __future__ import annotations

import re

from pytest_resilience.runtime.redaction.rule import DIGITS, Rule, mark, words

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
MONTHS = words(
    "jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september"
    " october november december"
)
DATE = (
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/]\d{1,2}[-/]\d{2,4}|\d{1,2}\.\d{1,2}\.\d{4}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[ -]{_MONTH}[ ,.-]{{1,2}}\d{{2,4}}"
    rf"|{_MONTH}[ .]{{1,2}}\d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})"
)
"""A day, in the forms that people and programs write."""

_CUES = words(
    "ssn social mrn medical hospital nhs patient subject hadm stay icustay encounter admission visit csn chart account"
    " acct member policy insurance passport license licence person"
)
_FHIR = "Patient|Person|RelatedPerson|Encounter|Practitioner|Observation|Condition|Coverage"
_COLLECTIONS = "patients?|subjects?|persons?|people|members?|encounters?|admissions?|stays?|icustays?"


def is_nhs_number(text: str) -> bool:
    """Tell whether the ten digits carry the check digit of an NHS number (NHS Data Dictionary: modulus 11)."""
    digits = [int(character) for character in text if character.isdigit()]
    if len(digits) != 10:
        return False
    check = 11 - sum(digit * (10 - place) for place, digit in enumerate(digits[:9])) % 11
    return digits[9] == (0 if check == 11 else check)


def _nhs(match: re.Match[str]) -> str:
    return mark("nhs-number") if is_nhs_number(match[0]) else match[0]


IDENTIFIER_RULES = (
    Rule(
        "hl7",
        # After a line break as repr() writes it, too.
        re.compile(r"(?:(?<![A-Za-z0-9])|(?<=\\[rn]))(PID|PD1|NK1|GT1|IN[123]|PV1|MRG|OBX|NTE)\|[^\r\n]*"),
        r"\1|[redacted:hl7]",
        when=frozenset("|"),
    ),
    Rule(
        "fhir",
        re.compile(
            rf"\b((?:{_FHIR})/|/(?i:{_COLLECTIONS})/(?=[^/\s]*\d))(?!\[)[A-Za-z0-9\-]{{1,64}}(?![\w.])"
        ),
        r"\1[redacted:fhir]",
        when=frozenset("/"),
    ),
    Rule(
        "email",
        re.compile(r"[^\s@<>\"'(),:;=\[\]/]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"),
        when=frozenset("@%"),
    ),
    Rule(
        "birth-date",
        re.compile(
            r"\b(dob|d\.o\.b\.?|date[ _-]of[ _-]birth|birth[ _-]?dates?|birthday|born(?: on)?|date[ _-]of[ _-]death"
            rf"|died(?: on)?|admitted(?: on)?|discharged(?: on)?)(\W{{0,5}})(?:{DATE}|\d{{8}}\b)"
            r"(?:[T ]\d{1,2}:\d{2}(?::\d{2})?)?",
            re.IGNORECASE,
        ),
        r"\1\2[redacted:birth-date]",
        when=words("dob b birth birthdate birthdates birthday born death died admitted discharged"),
    ),
    Rule(
        "ssn",
        re.compile(r"(?<!\d)(?<!\d[-.])\d{3}[-. \u2010-\u2015]\d{2}[-. \u2010-\u2015]\d{4}(?!\d)"),
        when=frozenset(DIGITS),
    ),
    Rule(
        "nhs-number",
        re.compile(r"(?<![\d.])\d{3}[ -]?\d{3}[ -]?\d{4}(?![\d.]\d|\d)"),
        _nhs,
        when=frozenset(DIGITS),
    ),
    Rule(
        "record-number",
        re.compile(
            rf"\b({'|'.join(sorted(_CUES))})((?:[ _-]?(?:security|record|stay|id|ids|identifier|number|num|no|nr)\b\.?)"
            r"{0,2}[\s:=#\"'(\[]{0,5}(?:(?:is|was)\s)?)(?!\d{1,2}\b)[A-Za-z]{0,4}-?\d[\w-]*",
            re.IGNORECASE,
        ),
        r"\1\2[redacted:record-number]",
        when=_CUES,
    ),
    Rule(
        "phone",
        re.compile(
            r"(?<![\w.])(?<!\w-)(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"
            r"|\(\d{3}\) ?\d{3}[-. ]\d{4}|\d{3}([-. ])\d{3}\1\d{4}|0\d{2,4}[ -]\d{3,4}[ -]\d{3,4})(?!-?[\w.]*\w)"
        ),
        when=frozenset(DIGITS),
    ),
)
"""Numbers, dates and addresses of people, each with a form of its own."""
