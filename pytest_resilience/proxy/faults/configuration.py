"""How a proxy is watched: which protocol its bytes are, and where TLS begins and ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from pytest_resilience.proxy.faults.reading import (
    DefinitionError,
    Reader,
    boolean,
    header_value,
    one_of,
    optional,
    text,
)
from pytest_resilience.proxy.faults.reading import (
    fields as read_fields,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the proxy shows to clients that speak TLS.

    Args:
        certificate: a PEM file, the chain included.
        key: a PEM file.
    """

    certificate: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """How the proxy judges a server that it speaks TLS to.

    Args:
        ca: a PEM file; the system's authorities without one.
        server_name: the name that the certificate must have; by default the host of the upstream address.
        verify: whether it is judged at all.
    """

    ca: str | None = None
    server_name: str | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """How a proxy is watched.

    Args:
        protocol: `postgres`, `http`; `tcp`, of which only turns are seen; or none: bytes pass unseen.
        tls: for clients.
        upstream_tls: for the server.
        host: the Host header that an HTTP server gets; by default the client's.
    """

    protocol: str | None = None
    host: str | None = None
    tls: Identity | None = None
    upstream_tls: Trust | None = None


def _file(name: str, value: Any) -> str:
    if not Path(text(name, value)).is_file():
        raise DefinitionError(f"{name}: there is no file {value!r}")
    return str(value)


_READERS: dict[str, Reader] = {
    "protocol": optional(one_of("postgres", "http", "tcp")),
    "host": optional(header_value),
    "tls": optional(lambda name, value: Identity(**_all(name, value, {"certificate": _file, "key": _file}))),
    "upstream_tls": optional(
        lambda name, value: Trust(
            **read_fields(
                name, value, {"ca": optional(_file), "server_name": optional(text), "verify": boolean}
            )
        )
    ),
}


def _all(name: str, value: Any, readers: Mapping[str, Reader]) -> dict[str, Any]:
    given = read_fields(name, value, readers)
    for key in readers:
        if key not in given:
            raise DefinitionError(f"{name} needs {key!r}")
    return given


def changed(configuration: Configuration, document: Any) -> Configuration:
    """Return a configuration with some of its values replaced.

    Raises:
        DefinitionError: the document makes no sense.
    """
    new = replace(configuration, **read_fields("the proxy's watch", document, _READERS))
    if new.protocol in {None, "tcp"} and (new.tls is not None or new.upstream_tls is not None):
        raise DefinitionError(
            "TLS needs the protocol postgres or http: else the proxy passes bytes on as they are"
        )
    if new.protocol != "http" and new.host is not None:
        raise DefinitionError("host goes with the protocol http only")
    return new


def configuration_json(configuration: Configuration) -> dict[str, Any]:
    """Return a configuration as the API shows it."""
    return {
        field.name: None if (value := getattr(configuration, field.name)) is None else _plain(value)
        for field in fields(configuration)
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else asdict(value)
