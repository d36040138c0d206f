"""The two ways in which a registry says who is in charge: aliases, and the stages of older servers.

alias        stage        means
champion     Production   in charge
previous     Archived     was in charge before
candidate    Staging      not in charge, or not any more
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from pytest_resilience.runtime.models.registry import ModelRegistry
from pytest_resilience.runtime.models.standing import (
    ARCHIVED,
    CANDIDATE,
    CHAMPION,
    PREVIOUS,
    PRODUCTION,
    STAGING,
    Standing,
)

SchemeName: TypeAlias = Literal["aliases", "stages"]


@dataclass(frozen=True, slots=True)
class Before:
    """What a change of charge has to be able to restore.

    Args:
        champion: the version in charge before it, or None.
        previous: the version that `@previous` stood for, or None.
    """

    champion: str | None
    previous: str | None = None


class Scheme(Protocol):
    """How charge is read and changed; every step leaves a version in charge if there was one."""

    @property
    def name(self) -> SchemeName:
        """Which of the two it is."""

    def before(self, standing: Standing) -> Before:
        """Return what is in charge now."""

    def promote(self, model_name: str, version: str, before: Before) -> None:
        """Put a version in charge, and archive the one that was."""

    def restore(self, model_name: str, version: str, before: Before) -> None:
        """Put in charge what was before, or nothing; the version is a candidate again."""


@dataclass(frozen=True, slots=True)
class Aliases:
    """Charge by alias; an alias moves in one step."""

    registry: ModelRegistry
    name: SchemeName = "aliases"

    def before(self, standing: Standing) -> Before:
        """Return what the aliases stand for."""
        return Before(standing.aliases.get(CHAMPION), standing.aliases.get(PREVIOUS))

    def promote(self, model_name: str, version: str, before: Before) -> None:
        """Move `@previous`, then `@champion`."""
        if before.champion not in {None, version}:
            self.registry.set_alias(model_name, PREVIOUS, before.champion)
        self.registry.set_alias(model_name, CHAMPION, version)

    def restore(self, model_name: str, version: str, before: Before) -> None:
        """Move `@champion` back, then `@previous`; the version becomes `@candidate`."""
        self.registry.set_alias(model_name, CHAMPION, before.champion)
        is_there = before.previous is None or self.registry.has(model_name, before.previous)
        self.registry.set_alias(model_name, PREVIOUS, before.previous if is_there else None)
        if version != before.champion and self.registry.has(model_name, version):
            self.registry.set_alias(model_name, CANDIDATE, version)


@dataclass(frozen=True, slots=True)
class Stages:
    """Charge by stage.

    For a moment two versions are in Production; none never is. The server could archive the others in the same step,
    but MLflow 3 fails at that on PostgreSQL, where it compares a number with a text.
    """

    registry: ModelRegistry
    name: SchemeName = "stages"

    def before(self, standing: Standing) -> Before:
        """Return the newest version in Production."""
        return Before(standing.stages.get(PRODUCTION))

    def promote(self, model_name: str, version: str, before: Before) -> None:
        """Move the version to Production, then all others from there to Archived."""
        del before
        self.registry.set_stage(model_name, version, PRODUCTION)
        for other in self.registry.versions(model_name, PRODUCTION):
            if other != version:
                self.registry.set_stage(model_name, other, ARCHIVED)

    def restore(self, model_name: str, version: str, before: Before) -> None:
        """Move the earlier version back to Production, then the version to Staging."""
        if before.champion is not None:
            self.registry.set_stage(model_name, before.champion, PRODUCTION)
        if version != before.champion and self.registry.has(model_name, version):
            self.registry.set_stage(model_name, version, STAGING)


def choose_scheme(name: str, registry: ModelRegistry, standing: Standing) -> Scheme:
    """Return the scheme of that name; `auto` takes stages where one is in use and there is no champion."""
    if name == "auto":
        name = "stages" if standing.stages and CHAMPION not in standing.aliases else "aliases"
    if name == "aliases":
        return Aliases(registry)
    if name == "stages":
        return Stages(registry)
    raise ValueError(f"scheme must be 'auto', 'aliases' or 'stages', not {name!r}")
