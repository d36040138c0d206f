"""The JSON Schema of scenario files, for editors; made from the tables that the reader uses.

`python -m pytest_resilience.chaos.scenario.schema` prints it; `schema.json` beside this file is what it prints.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, TypeAlias

from pytest_resilience.chaos.item_ids import ITEM_IDS
from pytest_resilience.chaos.scenario.expectations import CHANNELS, LEVELS
from pytest_resilience.chaos.scenario.kinds import FAULT_KINDS, AttributeType, FaultKind, KindAttribute
from pytest_resilience.chaos.scenario.messages import METHODS
from pytest_resilience.chaos.scenario.model import RECOVERY_BOUND
from pytest_resilience.chaos.scenario.values import LONGEST, MOST
from pytest_resilience.chaos.scenario.when import TRIGGERS
from pytest_resilience.chaos.trigger import BESIDE
from pytest_resilience.errors import Severity

Schema: TypeAlias = dict[str, Any]

FILE = "schema.json"


def published_schema() -> Schema:
    """Return the schema as it stands in the package."""
    schema: Schema = json.loads((files(__package__) / FILE).read_text(encoding="utf-8"))
    return schema


def make_schema() -> Schema:
    """Return the schema that the tables make; a test compares it with the published one."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:pytest-resilience:scenario:1",
        "title": "Scenario of pytest-resilience",
        "description": "A promise about a workload under faults.",
        **_mapping(_TOP, required=("scenario", "workload", "faults")),
        "anyOf": [{"required": ["expect"]}, {"required": ["steady_state"]}],
        "$defs": {
            "duration": _duration("[0-9]", 0),
            "span": _duration("(?!0+(\\.0+)?\\s*[a-z])[0-9]", None),
            "jump": _duration("-?(?!0+(\\.0+)?\\s*[a-z])[0-9]", -LONGEST) | {"not": {"const": 0}},
            "sql": _SQL,
            "http": _HTTP,
            "when": _when(),
            "fault": _fault(),
            **{f"kind {kind.name}": _kind(kind) for kind in FAULT_KINDS},
        },
    }


def _ref(name: str, description: str | None = None, **more: Any) -> Schema:
    described = {} if description is None else {"description": description}
    return {"$ref": f"#/$defs/{name}", **described, **more}


def _text(description: str, **more: Any) -> Schema:
    return {"description": description, "type": "string", "pattern": "\\S", **more}


def _words(description: str, words: tuple[str, ...], **more: Any) -> Schema:
    return {"description": description, "enum": list(words), **more}


def _list(description: str, items: Schema, **more: Any) -> Schema:
    return {"description": description, "type": "array", "minItems": 1, "items": items, **more}


def _mapping(properties: Mapping[str, Schema], *, required: tuple[str, ...] = (), **more: Any) -> Schema:
    needed = {"required": list(required)} if required else {}
    return {
        "type": "object",
        "properties": dict(properties),
        **needed,
        "additionalProperties": False,
        **more,
    }


def _whole(description: str, least: int, most: int = MOST, **more: Any) -> Schema:
    return {"description": description, "type": "integer", "minimum": least, "maximum": most, **more}


def _duration(first: str, least: float | None) -> Schema:
    bound = {"exclusiveMinimum": 0} if least is None else {"minimum": least}
    return {
        "description": "Seconds, or a text such as 300ms, 2s, 1m, 1h.",
        "oneOf": [
            {"type": "number", **bound, "maximum": LONGEST},
            {"type": "string", "pattern": f"^\\s*{first}[0-9]*(\\.[0-9]+)?\\s*(ms|s|m|h)\\s*$"},
        ],
    }


_METHOD = f"({'|'.join(METHODS)}|[A-Z]+(-[A-Z]+)*)"
_SQL = _mapping(
    {
        "on": _text("A postgres service."),
        "query": _text("It has to give one cell."),
        "equals": {
            "description": "Numbers are compared as numbers, true and false as such, the rest as text.",
            "type": ["string", "number", "boolean", "null"],
        },
    },
    required=("on", "query", "equals"),
    description="A query with its answer.",
)
_HTTP = _mapping(
    {
        "on": _text("An http or mlflow service."),
        "workload": _text("The workload, where it is a server."),
        "request": _text("A method and a path.", pattern=f"^\\s*{_METHOD} +/[^\\s#]*\\s*$"),
        "status": _whole("The reply's; without one any below 400.", 100, 599),
        "body": _text("A regular expression that is searched in the reply's body."),
    },
    required=("request",),
    description="A request with its reply.",
    oneOf=[{"required": ["on"]}, {"required": ["workload"]}],
)
_ONE_KEY: dict[str, Any] = {"minProperties": 1, "maxProperties": 1}
_CHECK = _mapping({"sql": _ref("sql"), "http": _ref("http")}, **_ONE_KEY)
_ALERT = {
    "description": "An alert within so many seconds of the first receipt; none: no alert at all.",
    "oneOf": [
        {"const": "none"},
        _mapping(
            {
                "severity": _words("How bad.", tuple(Severity)),
                "component": _text("What it is about."),
                "channel": _words("Where it comes.", CHANNELS),
                "within": _ref("span"),
            },
            minProperties=1,
        ),
    ],
}
_LOG = _mapping(
    {
        "level": _words("The least level that counts.", LEVELS),
        "fields": _list("Fields that it has.", _text("A field's name."), uniqueItems=True),
        "matches": _text("A regular expression that is searched in it."),
    },
    minProperties=1,
    description="A record after the first receipt.",
)
_EXPECTATION = _mapping(
    {
        "exit": {
            "description": "The last process's status, 128 + N after signal N; or nonzero.",
            "oneOf": [{"type": "integer", "minimum": 0, "maximum": 255}, {"const": "nonzero"}],
        },
        "exactly_once": _text("A table that the workload declares so."),
        "sql": _ref("sql"),
        "http": _ref("http"),
        "log": _LOG,
        "alert": _ALERT,
        "recovers_within": _ref(
            "span",
            "From heal until the steady state holds again; without one, until the workload works again.",
            default=RECOVERY_BOUND,
        ),
        "duration": _ref("span", "How long the whole run takes at most."),
        "no_leak": {
            "description": "No connection, transaction, lock or child process is left behind.",
            "const": True,
        },
    },
    **_ONE_KEY,
)
_ONCE = [
    {"contains": {"required": [key]}, "minContains": 0, "maxContains": 1}
    for key in ("exit", "recovers_within", "duration", "no_leak")
]
_TOP = {
    "scenario": _text("The promise, as a sentence."),
    "proves": _list("Checklist items that it is evidence for.", {"enum": list(ITEM_IDS)}, uniqueItems=True),
    "runbook": _text("What people do then: a file below the configuration's folder."),
    "workload": _text("The declared workload that runs."),
    "steady_state": _list("Holds before the faults, and has to hold again after them.", _CHECK),
    "faults": _list("What is broken, and when.", _ref("fault")),
    "expect": _list("What has to be true of the run.", _EXPECTATION, allOf=_ONCE),
}


def _when() -> Schema:
    triggers = {
        "start": {"description": "Before the workload starts.", "const": True},
        "after": _ref("duration", "Counted from the workload's first connection."),
        "rows": _whole("After so many rows.", 0),
        "message": _text("A command tag (COMMIT) or a protocol message (Parse)."),
        "sql": _text("A regular expression that is searched in statements, ignoring case."),
        "request": _text(
            "A method, * for any, and a path without its query; {x} stands for one segment.",
            pattern=f"^\\s*({_METHOD}|\\*) +/([^\\s#?{{}}]|\\{{[^\\s#?{{}}/]*\\}})*\\s*$",
        ),
    }
    beside = {
        "table": _text("The table whose rows count; without it those of all do."),
        "side": _words(
            "request: the server never gets it; reply: it acted, and the client never hears of it.",
            ("request", "reply"),
            default="request",
        ),
        "nth": _whole("The first match that is hit, counted over all restarts.", 1, default=1),
        "connection": _whole("Only on this connection, counted over all restarts.", 1),
    }
    goes_with = {key: {"anyOf": [{"required": [name]} for name in names]} for key, names in BESIDE.items()}
    return _mapping(
        triggers | beside,
        description="When it acts: one of " + ", ".join(TRIGGERS) + ".",
        oneOf=[{"required": [name]} for name in TRIGGERS],
        dependentSchemas=goes_with,
    )


def _fault() -> Schema:
    bare = [kind for kind in FAULT_KINDS if not kind.required]
    return _mapping(
        {
            "on": _text("The service; a fault on the workload at a time needs none."),
            "when": _ref("when"),
            "inject": {
                "description": "The fault kind, with its attributes below it.",
                "oneOf": [
                    {"oneOf": [{"const": kind.name, "description": kind.text} for kind in bare]},
                    _mapping({kind.name: _ref(f"kind {kind.name}") for kind in FAULT_KINDS}, **_ONE_KEY),
                ],
            },
            "for": {
                "description": "How long. Left out: once at a message, until the workload ends on connections.",
                "oneOf": [
                    _ref("span"),
                    _mapping({"times": _whole("Matched messages, or connections.", 1)}, required=("times",)),
                ],
            },
        },
        required=("when", "inject"),
        description="One fault: on what, when, which, for how long.",
    )


def _kind(kind: FaultKind) -> Schema:
    schema = _mapping(
        {attribute.name: _attribute(attribute) for attribute in kind.attributes}, required=kind.required
    )
    if kind.required:
        return schema | {"description": kind.text}
    return {"description": kind.text, "oneOf": [{"type": "null"}, schema]}


_HEADER_NAME = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
_VALUES: Mapping[AttributeType, Schema] = {
    "duration": _ref("duration"),
    "some time": _ref("span"),
    "signed duration": _ref("jump"),
    "bytes": {"type": "integer", "minimum": 0, "maximum": MOST},
    "some bytes": {"type": "integer", "minimum": 1, "maximum": MOST},
    "flag": {"type": "boolean"},
    "text": {"type": "string", "pattern": "\\S"},
    "sqlstate": {"oneOf": [{"type": "string", "pattern": "^(?!00)[0-9A-Z]{5}$"}, {"type": "number"}]},
    "severity": {"enum": ["ERROR", "FATAL", "PANIC"]},
    "status": {"type": "integer", "minimum": 200, "maximum": 599},
    "headers": {
        "type": "object",
        "propertyNames": {"pattern": _HEADER_NAME},
        "additionalProperties": {"type": ["string", "number", "boolean"], "pattern": "^[^\\r\\n]*$"},
    },
    "json": {"type": ["string", "number", "boolean", "object", "array"]},
    "stream": {"enum": ["downstream", "upstream"]},
    "probability": {"type": "number", "minimum": 0, "maximum": 1},
}


def _attribute(attribute: KindAttribute) -> Schema:
    default = {} if attribute.default is None else {"default": attribute.default}
    return {**_VALUES[attribute.type], "description": attribute.text, **default}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(make_schema(), indent=2, ensure_ascii=False) + "\n")
