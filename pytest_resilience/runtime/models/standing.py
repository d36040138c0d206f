"""The standing of a model's versions: who holds which alias and stage, as the registry tells it in one reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CHAMPION = "champion"
PREVIOUS = "previous"
CANDIDATE = "candidate"

PRODUCTION = "Production"
ARCHIVED = "Archived"
STAGING = "Staging"
STAGES = (PRODUCTION, ARCHIVED, STAGING)


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is who among a model's versions.

    Args:
        aliases: alias to version.
        stages: stage to its newest version; stages that hold none are left out.
        tags: the model's own tags.
    """

    aliases: Mapping[str, str]
    stages: Mapping[str, str]
    tags: Mapping[str, str]

    @classmethod
    def of(cls, model: Any) -> Standing:
        """Read MLflow's `RegisteredModel`."""
        stages = {found.current_stage: str(found.version) for found in model.latest_versions}
        return cls(
            aliases={alias: str(version) for alias, version in model.aliases.items()},
            stages={stage: version for stage, version in stages.items() if stage in STAGES},
            tags=dict(model.tags),
        )

    @property
    def champion(self) -> str | None:
        """The version in charge: the alias where there is one, else the Production stage."""
        return self.aliases.get(CHAMPION) or self.stages.get(PRODUCTION)
