"""Where the reports of a test run go, and whether they can."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.plugin.provenance import is_of_a_whole_run
from pytest_resilience.plugin.selection import SELECTED
from pytest_resilience.plugin.suite import ENDINGS, SUITE

PART = "part"
"""The folder, in that of the report, of the report of a part."""


def given_folder(config: pytest.Config) -> Path:
    """Return the folder that `--chaos-report` names."""
    return Path(config.invocation_params.dir, config.getoption("resilience_report"))


def folder_of_report(config: pytest.Config) -> Path:
    """Return where the reports go; those of a part that is tried again stand beside those of the whole run."""
    folder = given_folder(config)
    return folder / PART if _is_part(config, folder) and is_of_a_whole_run(folder) else folder


def refuse_unwritable(config: pytest.Config) -> None:
    """Try, before anything starts, whether the report that there will be can be written.

    Raises:
        pytest.UsageError: it cannot.
    """
    from pytest_resilience.report.folder import try_to_write

    if not _will_report(config):
        return
    try:
        try_to_write(given_folder(config))
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error


def reports_nothing(config: pytest.Config) -> bool:
    """Tell whether nothing is run, but listed or collected alone."""
    return bool(config.option.collectonly or config.option.resilience_list)


def _will_report(config: pytest.Config) -> bool:
    if reports_nothing(config):
        return False
    suite = config.stash[SUITE]
    explores = config.stash[SELECTED].wanted and bool(suite.configuration.workloads)
    files = [scenario.file.resolve() for scenario in suite.scenarios if scenario.file is not None]
    collected = any(file.is_relative_to(path) for path in _paths(config) for file in files)
    return bool(config.getoption("resilience_checklist", default=False)) or explores or collected


def _is_part(config: pytest.Config, folder: Path) -> bool:
    option, paths = config.option, _paths(config)
    named = config.stash[SELECTED].named or any("::" in argument for argument in config.args)
    again = any(path.is_relative_to(folder.resolve()) for path in paths)
    asked = config.getoption("resilience_checklist", default=False)
    scenarios = not asked and bool(paths) and all(path.suffix.lower() in ENDINGS for path in paths)
    return bool(named or option.keyword or option.markexpr or again or scenarios)


def _paths(config: pytest.Config) -> list[Path]:
    """Return the files and folders that are tested."""
    folder = config.invocation_params.dir
    return [Path(folder, argument.partition("::")[0]).resolve() for argument in config.args]
