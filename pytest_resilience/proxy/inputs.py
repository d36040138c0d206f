"""What clients send: bodies of requests as typed values, or the error that Toxiproxy gives for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_resilience.proxy.api_error import (
    ApiError,
    bad_body,
    invalid_stream,
    invalid_toxic_type,
    missing_field,
    toxic_exists,
)
from pytest_resilience.proxy.chain import Toxic
from pytest_resilience.proxy.gojson.bind import (
    BOOL,
    FLOAT32,
    STRING,
    Field,
    MismatchError,
    bind,
    read_int64,
    read_object,
)
from pytest_resilience.proxy.gojson.scan import DecodeError, Kind, Value, scan
from pytest_resilience.proxy.http_message import Request
from pytest_resilience.proxy.lane import Direction
from pytest_resilience.proxy.toxics import TOXIC_OF_KIND
from pytest_resilience.proxy.toxics.attributes import AttributeRefusedError, Attributes

_PROXY = "toxiproxy.Proxy"
_POPULATED = 'struct { toxiproxy.Proxy; Enabled *bool "json:\\"enabled\\"" }'
_UPDATED_TOXIC = (
    'struct { Attributes interface {} "json:\\"attributes\\""; Toxicity float32 "json:\\"toxicity\\"" }'
)

_PROXY_FIELDS = {
    "name": STRING,
    "listen": STRING,
    "upstream": STRING,
    "enabled": BOOL,
    "Logger": Field("zerolog.Logger", read_object),
}
_POPULATED_FIELDS = {
    name: dataclasses.replace(field, path=".enabled" if name == "enabled" else f".Proxy.{name}")
    for name, field in _PROXY_FIELDS.items()
}
_TOXIC_FIELDS = {
    "attributes": Field("toxics.NoopToxic", read_object),
    "name": STRING,
    "type": STRING,
    "stream": STRING,
    "toxicity": FLOAT32,
}
_TOXIC_FIELDS_OF_OURS = {**_TOXIC_FIELDS, "connections": Field("int", read_int64, ".connections")}


@dataclass(frozen=True, slots=True)
class ProxyInput:
    """What a client says about a proxy; None is what it leaves open."""

    name: str = ""
    listen: str | None = None
    upstream: str | None = None
    enabled: bool | None = None
    toxics: tuple[Toxic, ...] | None = None


def read_body(request: Request) -> bytes:
    """Return the body of a request, or refuse what broke off in the middle."""
    if request.broken:
        raise bad_body(request.broken)
    return request.body


def read_proxy(body: bytes) -> ProxyInput:
    """Read the body of a request to create or change a proxy."""
    found = _bound(_scanned(body), _PROXY_FIELDS, "Proxy", _PROXY)
    found.pop("Logger", None)
    return ProxyInput(**found)


def check_new_proxy(given: ProxyInput, where: str = "", *, strict: bool) -> None:
    """Refuse a proxy without a name or a server, or, if strict, one that no path could name."""
    if not given.name:
        raise missing_field(f"name{where}")
    if not given.upstream:
        raise missing_field(f"upstream{where}")
    if strict:
        check_name(given.name, where)


def check_name(name: str, where: str = "") -> None:
    """Refuse a name that no path can hold: what has it could never be deleted."""
    if "/" in name or name in (".", ".."):
        raise bad_body(f"name must be one segment of a path, got {name}{where}")


def read_populate(body: bytes, *, strict: bool) -> list[ProxyInput]:
    """Read a list of proxies, whole; if strict with their toxics."""
    value = _scanned(body)
    if value.kind is Kind.NULL:
        return []
    if value.kind is not Kind.ARRAY:
        raise bad_body(f"json: cannot unmarshal {value.kind} into Go value of type []{_POPULATED}")
    fields = _POPULATED_FIELDS
    if strict:
        fields = {**fields, "toxics": Field("[]toxics.ToxicWrapper", _read_array, ".toxics")}
    bound = [_bound(member, fields, "", _POPULATED) for _, member in value.members]
    given = []
    for number, found in enumerate(bound, start=1):
        found.pop("Logger", None)
        toxics = found.pop("toxics", None)
        check_new_proxy(ProxyInput(**found), f" at proxy {number}", strict=strict)
        given.append(ProxyInput(**found, toxics=_populated_toxics(toxics, f" at proxy {number}")))
    return given


def read_toxic(body: bytes, existing: Mapping[str, Toxic], *, strict: bool) -> Toxic:
    """Read a toxic to add: first the body, then stream, type, name and attributes."""
    return _toxic(_scanned(body), existing, strict=strict)


def read_toxic_update(body: bytes, toxic: Toxic, *, strict: bool) -> tuple[Attributes, float]:
    """Read what to change of a toxic; its name, type and stream cannot be."""
    attributes = dataclasses.replace(toxic.attributes)
    toxicity = toxic.toxicity
    value = _scanned(body)
    fields = {
        "attributes": Field(f"toxics.{attributes.go_name}", read_object, ".attributes"),
        "toxicity": dataclasses.replace(FLOAT32, path=".toxicity"),
    }
    found = _bound(value, fields, "", _UPDATED_TOXIC)
    toxicity = found.get("toxicity", toxicity)
    attributes = _merged(value, attributes)
    if strict:
        _check(attributes, toxicity)
    return attributes, toxicity


def _toxic(value: Value, existing: Mapping[str, Toxic], *, strict: bool) -> Toxic:
    fields = _TOXIC_FIELDS_OF_OURS if strict else _TOXIC_FIELDS
    found = _bound(value, fields, "ToxicWrapper", "toxics.ToxicWrapper")
    stream = found.get("stream", "downstream")
    if stream.lower() not in (*Direction,):
        raise invalid_stream()
    kind = found.get("type", "")
    name = found.get("name") or f"{kind}_{stream}"
    toxic_type = TOXIC_OF_KIND.get(kind)
    if toxic_type is None:
        raise invalid_toxic_type()
    if name in existing:
        raise toxic_exists()
    attributes = _merged(value, toxic_type())
    toxicity = found.get("toxicity", 1.0)
    connections = found.get("connections")
    if strict:
        check_name(name)
        _check(attributes, toxicity)
    if connections is not None and connections < 1:
        raise bad_body(f"connections must be at least 1, got {connections}")
    return Toxic(name, stream, Direction(stream.lower()), toxicity, attributes, connections)


def _populated_toxics(value: Value | None, where: str) -> tuple[Toxic, ...] | None:
    if value is None:
        return None
    toxics: dict[str, Toxic] = {}
    for _, member in value.members:
        try:
            toxic = _toxic(member, toxics, strict=True)
        except ApiError as error:
            raise ApiError(f"{error.message}{where}", error.status) from error
        toxics[toxic.name] = toxic
    return tuple(toxics.values())


def _merged(value: Value, attributes: Attributes) -> Attributes:
    """Change the attributes that are given, and leave the others as they are."""
    fields = {
        field.name: Field(attributes.go_int, read_int64, f"{attributes.go_name}.attributes.{field.name}")
        for field in dataclasses.fields(attributes)
    }

    def read(member: Value) -> None:
        changes.update(_bound(member, fields, "", ""))

    changes: dict[str, Any] = {}
    _bound(value, {"attributes": Field("", read)}, "", "")
    return dataclasses.replace(attributes, **changes)


def _check(attributes: Attributes, toxicity: float) -> None:
    if not 0 <= toxicity <= 1:
        raise bad_body(f"toxicity must be from 0 to 1, got {toxicity:g}")
    try:
        attributes.check()
    except AttributeRefusedError as error:
        raise bad_body(error) from error


def _read_array(value: Value) -> Value:
    if value.kind is not Kind.ARRAY:
        raise MismatchError(value.kind)
    return value


def _scanned(body: bytes) -> Value:
    try:
        return scan(body)
    except DecodeError as error:
        raise bad_body(error) from error


def _bound(value: Value, fields: Mapping[str, Field], struct_name: str, go_type: str) -> dict[str, Any]:
    try:
        return bind(value, fields, struct_name=struct_name, go_type=go_type)
    except DecodeError as error:
        raise bad_body(error) from error
