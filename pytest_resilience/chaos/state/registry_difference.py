"""What differs between two states of a registry, in words that hold no data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_resilience.chaos.state.registry import RegistryState, VersionState, version_number


def registry_difference(expected: RegistryState, seen: RegistryState) -> tuple[str, ...]:
    """Say what is other in `seen`; nothing where they are equal. What stands in tags is not shown."""
    return (*_names("model", expected.models, seen.models), *_models(expected, seen), *_runs(expected, seen))


def _models(expected: RegistryState, seen: RegistryState) -> Iterator[str]:
    for name in sorted(expected.models.keys() & seen.models.keys()):
        before, after = expected.models[name], seen.models[name]
        yield from _names(f"model {name}: version", before.versions, after.versions)
        for alias in sorted(before.aliases.keys() | after.aliases.keys()):
            yield from _told(
                f"model {name}: alias {alias}", before.aliases.get(alias), after.aliases.get(alias)
            )
        yield from _tags(f"model {name}", before.tags, after.tags)
        if before.description != after.description:
            yield f"model {name}: its description differs"
        for number in sorted(before.versions.keys() & after.versions.keys(), key=version_number):
            where = f"model {name}: version {number}"
            yield from _versions(where, before.versions[number], after.versions[number])


def _versions(where: str, before: VersionState, after: VersionState) -> Iterator[str]:
    yield from _told(f"{where}: stage", before.stage, after.stage)
    yield from _told(f"{where}: status", before.status, after.status)
    yield from _tags(where, before.tags, after.tags)
    if before.description != after.description:
        yield f"{where}: its description differs"


def _runs(expected: RegistryState, seen: RegistryState) -> Iterator[str]:
    for kind in sorted(expected.runs.keys() | seen.runs.keys()):
        yield from _told(f"runs of {kind}", expected.runs.get(kind, 0), seen.runs.get(kind, 0))


def _names(what: str, expected: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{what} {name} is missing" for name in sorted(expected.keys() - seen.keys()))
    yield from (f"{what} {name} is not expected" for name in sorted(seen.keys() - expected.keys()))


def _told(what: str, expected: object, seen: object) -> Iterator[str]:
    if expected != seen:
        yield f"{what} is {'not set' if seen is None else seen}, expected {'none' if expected is None else expected}"


def _tags(where: str, expected: Mapping[str, str], seen: Mapping[str, str]) -> Iterator[str]:
    yield from _names(f"{where}: tag", expected, seen)
    common = sorted(expected.keys() & seen.keys())
    yield from (f"{where}: tag {name} has another value" for name in common if expected[name] != seen[name])
