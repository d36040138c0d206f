"""The state of an MLflow registry: models, versions, stages, aliases and tags, and how many runs there are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from pytest_resilience.services.mlflow_rest import MlflowRest

OWN_TAGS = "pytest-resilience.*"
OWN_LOCKS = "pytest-resilience.lock.*"
"""The runtime's own bookkeeping: its ledger and its locks hold times and processes."""
_OUT_OF_USE = ("None", "Archived")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionState:
    """One version of a model."""

    stage: str
    status: str
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelState:
    """One registered model, its versions by number."""

    versions: Mapping[str, VersionState] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryState:
    """A registry at one moment, without what no two runs share: times, run ids, places of artifacts.

    Args:
        models: by name.
        runs: how many there are, by experiment and status (`churn: FINISHED`).
    """

    models: Mapping[str, ModelState]
    runs: Mapping[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The same for equal states: short, to be stored and compared."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def without_more_runs(self, than: RegistryState) -> RegistryState:
        """Return the state without runs that another has not.

        Runs are the record of what was tried: who is killed leaves one under way, and who begins again makes another.
        """
        runs = {kind: min(number, than.runs.get(kind, 0)) for kind, number in self.runs.items()}
        return replace(self, runs={kind: number for kind, number in runs.items() if number})

    def without(self, versions: Collection[tuple[str, str]]) -> RegistryState:
        """Return the state without these, each a model and its version, and without models that had no others."""
        models = {
            name: replace(
                model,
                versions={no: one for no, one in model.versions.items() if (name, no) not in versions},
            )
            for name, model in self.models.items()
        }
        gone = {name for name, _ in versions if not models[name].versions}
        return replace(self, models={name: model for name, model in models.items() if name not in gone})


def versions_of(state: RegistryState) -> frozenset[tuple[str, str]]:
    """Return all versions, each as its model and its number."""
    return frozenset((name, number) for name, model in state.models.items() for number in model.versions)


def unused(state: RegistryState) -> frozenset[tuple[str, str]]:
    """Return the versions, each as model and number, that no alias names and that are in no stage, or archived."""
    return frozenset(
        (name, number)
        for name, model in state.models.items()
        for number, version in model.versions.items()
        if number not in model.aliases.values() and version.stage in _OUT_OF_USE
    )


def renumbered(state: RegistryState) -> RegistryState:
    """Return a state with the versions of each model numbered from 1, in their order: MLflow uses no number twice."""
    return replace(state, models={name: _renumbered(model) for name, model in state.models.items()})


def _renumbered(model: ModelState) -> ModelState:
    new = {old: str(number) for number, old in enumerate(sorted(model.versions, key=version_number), 1)}
    return replace(
        model,
        versions={new[old]: version for old, version in model.versions.items()},
        aliases={alias: new.get(old, old) for alias, old in model.aliases.items()},
    )


def version_number(version: str) -> tuple[int, str]:
    """Return what puts versions in their order."""
    return (int(version), "") if version.isdecimal() else (0, version)


def read_registry(url: str, *, prefix: str = "", mask: Iterable[str] = ()) -> RegistryState:
    """Return the state of a registry; it is read page by page, so nobody may write meanwhile.

    Args:
        url: the server around the proxy; a user and password in it are used.
        prefix: only models and experiments whose names begin so; their names are given without it.
        mask: tags that differ from run to run; `*` stands for anything.

    Raises:
        HarnessError: the server does not answer as MLflow does.
    """
    registry = MlflowRest(url)
    masks = (OWN_TAGS, *mask)
    versions: dict[str, dict[str, VersionState]] = {}
    for found in registry.pages("GET", "model-versions/search", "model_versions"):
        versions.setdefault(found["name"], {})[str(found["version"])] = _version(found, masks)
    models = {
        found["name"].removeprefix(prefix): _model(found, versions.get(found["name"], {}), masks)
        for found in registry.pages("GET", "registered-models/search", "registered_models")
        if found["name"].startswith(prefix) and not fnmatchcase(found["name"], OWN_LOCKS)
    }
    return RegistryState(models=models, runs=registry.runs(prefix))


def _version(found: Mapping[str, Any], masks: Iterable[str]) -> VersionState:
    return VersionState(
        stage=found.get("current_stage") or "None",
        status=found.get("status", "READY"),
        aliases=tuple(sorted(found.get("aliases", ()))),
        tags=_unmasked(found, masks),
        description=found.get("description", ""),
    )


def _model(
    found: Mapping[str, Any], versions: Mapping[str, VersionState], masks: Iterable[str]
) -> ModelState:
    return ModelState(
        versions=versions,
        aliases={each["alias"]: str(each["version"]) for each in found.get("aliases", ())},
        tags=_unmasked(found, masks),
        description=found.get("description", ""),
    )


def _unmasked(found: Mapping[str, Any], masks: Iterable[str]) -> dict[str, str]:
    tags = {each["key"]: each.get("value", "") for each in found.get("tags", ())}
    return {key: value for key, value in tags.items() if not any(fnmatchcase(key, mask) for mask in masks)}
