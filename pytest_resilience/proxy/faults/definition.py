"""A fault from its JSON."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from pytest_resilience.proxy.faults.fault import TRANSACTIONS, Conditions, Fault
from pytest_resilience.proxy.faults.kinds import KINDS, Error, Kind
from pytest_resilience.proxy.faults.point import Side
from pytest_resilience.proxy.faults.reading import (
    DefinitionError,
    Reader,
    anything,
    boolean,
    fields,
    given_fields,
    header_value,
    headers,
    nearest,
    number,
    one_of,
    only_true,
    optional,
    pattern,
    sqlstate,
    template,
    text,
    whole,
)
from pytest_resilience.proxy.faults.triggers import After, Message, Request, Rows, Sql, Start, Trigger
from pytest_resilience.proxy.wire.postgres.command_tags import canonical_message

_ATTRIBUTES: dict[str, dict[str, Reader]] = {
    "cut": {},
    "reset": {},
    "hang": {"keep": boolean},
    "delay": {"by": number(0)},
    "truncate": {"bytes": whole(0)},
    "error": {
        "sqlstate": sqlstate,
        "severity": one_of("ERROR", "FATAL", "PANIC"),
        "message": text,
        "detail": text,
    },
    "respond": {"status": whole(200, 599), "headers": headers(header_value), "body": anything},
    "slow": {"rate": number(0, exclusive=True), "headers": boolean},
    "bad_chunk": {},
    "hold": {"lease": number(0, exclusive=True)},
}
_TRIGGERS: dict[str, Reader] = {
    "start": only_true,
    "after": number(0),
    "rows": whole(0),
    "message": text,
    "sql": pattern(re.IGNORECASE),
    "request": template,
}
_CONDITIONS: dict[str, Reader] = {
    "table": text,
    "side": one_of(*Side),
    "nth": whole(1),
    "connection": whole(1),
    "application_name": text,
    "transaction": one_of(*TRANSACTIONS),
    "headers": headers(pattern()),
    "body": pattern(),
}
_OF_POSTGRES = ("application_name", "transaction")
_OF_HTTP = ("headers", "body")
_SILENT = frozenset({"Flush", "Terminate", "CopyFail"})
"""Requests that get no answer of their own."""


def read_fault(document: Any, *, protocol: str, default_id: str, added_at: float) -> Fault:
    """Make a fault.

    Args:
        document: as posted.
        protocol: of the proxy.
        default_id: its id, if it is not given one.
        added_at: seconds since the engine started.

    Raises:
        DefinitionError: it makes no sense, or none with this protocol.
    """
    given = fields(
        "the fault",
        document,
        {"id": text, "kind": text, "attributes": anything, "when": anything, "times": optional(whole(1))},
    )
    kind = _read_kind(given.get("kind"), given.get("attributes", {}))
    when = given_fields("when", given.get("when"), _TRIGGERS | _CONDITIONS)
    trigger = _read_trigger(when)
    _check(kind, trigger, when, protocol)
    return Fault(
        id=given.get("id", default_id),
        kind=kind,
        trigger=trigger,
        side=Side(when.get("side", Side.REQUEST)) if trigger.sided else None,
        conditions=_read_conditions(when),
        nth=when.get("nth", 1),
        times=given.get("times", 1),
        added_at=added_at,
    )


def _read_kind(name: Any, attributes: Any) -> Kind:
    found = next((kind for kind in KINDS if kind.name == name), None)
    if found is None:
        raise DefinitionError(f"unknown kind {name!r}{nearest(str(name), [kind.name for kind in KINDS])}")
    values = given_fields(f"attributes of {name}", attributes, _ATTRIBUTES[found.name])
    for field in dataclasses.fields(found):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in values:
            raise DefinitionError(f"{name} needs the attribute {field.name!r}")
    return found(**values)


def _read_trigger(when: Mapping[str, Any]) -> Trigger:
    names = [name for name in _TRIGGERS if name in when]
    if len(names) != 1:
        raise DefinitionError(f"when needs exactly one of {', '.join(_TRIGGERS)}, not {names or 'none'}")
    value = when[names[0]]
    if names[0] == "rows":
        return Rows(rows=value, table=_folded(when.get("table")))
    if names[0] == "message":
        try:
            return Message(canonical_message(value))
        except ValueError as error:
            raise DefinitionError(str(error)) from error
    make: dict[str, Callable[[Any], Trigger]] = {
        "start": lambda _: Start(),
        "after": After,
        "sql": Sql,
        "request": Request,
    }
    return make[names[0]](value)


def _folded(table: str | None) -> str | None:
    """Return a table's name as the server keeps it: in small letters, unless quoted."""
    if table is None:
        return None
    parts = re.findall(r'"(?:[^"]|"")*"|[^".]+', table)
    return ".".join(p[1:-1].replace('""', '"') if p.startswith('"') else p.strip().lower() for p in parts)


def _read_conditions(when: Mapping[str, Any]) -> Conditions:
    return Conditions(
        connection=when.get("connection"),
        application_name=when.get("application_name"),
        transaction=when.get("transaction"),
        headers={name.lower(): value for name, value in when.get("headers", {}).items()},
        body=when.get("body"),
    )


def _check(kind: Kind, trigger: Trigger, when: Mapping[str, Any], protocol: str) -> None:
    """Refuse what does not go together."""
    for what, protocols in ((kind.name, kind.protocols), (trigger.name, trigger.protocols)):
        if protocol not in protocols:
            known = " and ".join(sorted(protocols))
            raise DefinitionError(f"{what} is for {known}; this proxy's protocol is {protocol}")
    foreign = _OF_POSTGRES if protocol == "http" else _OF_HTTP
    for name in (*foreign, *(() if trigger.sided else ("side", "nth"))):
        if when.get(name):
            raise DefinitionError(f"{name} does not go with {trigger.name} and the protocol {protocol}")
    if "table" in when and not isinstance(trigger, Rows):
        raise DefinitionError("table goes with rows only")
    if isinstance(trigger, Message):
        _check_message(kind, trigger.message, when.get("side", Side.REQUEST))


def _check_message(kind: Kind, message: str, side: str) -> None:
    if message in _SILENT and side == Side.REPLY:
        raise DefinitionError(f"{message} gets no reply of its own; use side request")
    if message == "Terminate" and isinstance(kind, Error):
        raise DefinitionError("nobody reads an error in answer to Terminate")
