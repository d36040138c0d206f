"""The command that tries an experiment again."""

from __future__ import annotations

from pytest_resilience.chaos.shell_word import shell_word


def replay_of(experiment_id: str, *, checklist: bool = True) -> str:
    """Return the command for one experiment.

    Args:
        experiment_id: `<item>::<workload>::<service>[::<fault point>]`.
        checklist: judge it as the checklist does.
    """
    options = "--chaos --checklist" if checklist else "--chaos"
    return f"pytest {options} {shell_word(f'resilience::{experiment_id}')}"
