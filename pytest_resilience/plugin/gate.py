"""The gate: the verdict that is formed when all has been tried, its reports, and the exit status."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_resilience import __version__
from pytest_resilience.errors import HarnessError
from pytest_resilience.plugin.ledger import Ledger
from pytest_resilience.plugin.outcome import STATUS
from pytest_resilience.plugin.provenance import Commit, commit_of, digest_of, engines_of
from pytest_resilience.plugin.replays import BEGIN, as_here, named_here
from pytest_resilience.plugin.report_place import folder_of_report, given_folder, reports_nothing
from pytest_resilience.plugin.signals import end_at_the_next_interrupt
from pytest_resilience.plugin.suite import SUITE

if TYPE_CHECKING:
    from pytest_resilience.plugin.chaos_run import ChaosRun
    from pytest_resilience.report.model import Report

INTERRUPTED = (
    "resilience: interrupted; what is under way is ended, what is known is reported, and servers are stopped: that "
    "takes some seconds (Ctrl-C once more ends it at once, without a report)"
)
HANDED_OVER = "resilience"
"""What a worker of pytest-xdist sends the controller at its end."""


class GateSession:
    """Gather what the items have said, and form the verdict at the end.

    Args:
        config: pytest's.
        run: the test run.
    """

    def __init__(self, config: pytest.Config, run: ChaosRun) -> None:
        self.ledger = Ledger(partial(named_here, config))
        self.report: Report | None = None
        self._not_written: HarnessError | None = None
        self.began = datetime.now(UTC)
        self._config = config
        self._run = run
        self._other_failures = 0
        self._interrupted: str | None = None

    @property
    def is_worker(self) -> bool:
        """Whether another process forms the verdict."""
        return hasattr(self._config, "workerinput")

    @property
    def asked(self) -> bool:
        """Whether the checklist was asked for."""
        return bool(self._config.getoption("resilience_checklist", default=False))

    @pytest.hookimpl(tryfirst=True)  # before pytest shows with `-v` how many there were
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what an item says."""
        if self.is_worker:
            return
        self.ledger.take(report)
        if report.failed and not report.nodeid.startswith("resilience::"):
            self._other_failures += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count what could not be collected."""
        self._other_failures += report.failed

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Learn from a worker which experiments there are; all of them know the same."""
        told = getattr(node, "workeroutput", {}).get(HANDED_OVER)
        if told is not None:
            self.ledger.expect(told["experiments"], told["points"])
            self.ledger.notes.extend(note for note in told["notes"] if note not in self.ledger.notes)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Say with `-v` how far the exploration is, and in the summary, where it is over, how each ended."""
        if report.when != "call" or not report.nodeid.startswith("resilience::") or self.is_worker:
            return None
        done, seconds = len(self.ledger.done), (datetime.now(UTC) - self.began).total_seconds()
        total = max(done, len(self.ledger.expected))
        outcome = "waived" if report.skipped and hasattr(report, "wasxfail") else report.outcome
        if outcome not in STATUS:
            return None
        category, letter, word = STATUS[outcome]
        pace = f" ({done}/{total}, {done / max(seconds, 0.001):.1f}/s)" if self.report is None else ""
        return category, letter, word + pace

    @pytest.hookimpl(tryfirst=True)  # pytest takes its time to show where it was
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember that not all was tried, end what is under way, and say what the wait is for, if pytest does not."""
        by_pytest = isinstance(excinfo.value, pytest.Session.Interrupted)
        self._interrupted = f" ({excinfo.value})" if by_pytest else ""
        if not self.is_worker and not by_pytest:
            end_at_the_next_interrupt(self._config)
            terminal: Any = self._config.pluginmanager.get_plugin("terminalreporter")
            if terminal is not None:
                terminal.write_line(f"\n{INTERRUPTED}")
                terminal.flush()  # a pipe would show it when all is over
        self._config.stash[SUITE].abandon()

    @pytest.hookimpl(tryfirst=True)  # before pytest writes its JUnit file
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Form the verdict, write the reports, and set the exit status."""
        if self.is_worker:
            self._hand_over()
            return
        if not self._has_something_to_say():
            return
        from pytest_resilience.report.publish import NotWrittenError

        try:
            self.report = self._publish()
        except HarnessError as error:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
            self._not_written = error
            self.report = error.report if isinstance(error, NotWrittenError) else None
        if self.report is not None:
            self._tell_junit(self.report)
        if self.asked:
            self._set_status(session)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the verdict of each item, or what exploration has found, and where it is written."""
        from pytest_resilience.plugin.summary import write_summary

        if self.report is not None:
            folder = self._folder if self._not_written is None else None
            changed = self._commit.changed
            write_summary(terminalreporter, self.report, asked=self.asked, folder=folder, changed=changed)
        if self._not_written is not None:
            terminalreporter.ensure_newline()
            terminalreporter.write_line(f"resilience: no report was written: {self._not_written}", red=True)

    def _has_something_to_say(self) -> bool:
        ledger = self.ledger
        return not reports_nothing(self._config) and (self.asked or bool(ledger.scenarios or ledger.done))

    @cached_property
    def _commit(self) -> Commit:
        covered = self._config.pluginmanager.hasplugin("_cov")
        return commit_of(self._config.rootpath, given_folder(self._config), covered=covered)

    @cached_property
    def _folder(self) -> Path:
        return folder_of_report(self._config)

    def _hand_over(self) -> None:
        output: dict[str, Any] = vars(self._config)["workeroutput"]
        ledger = self.ledger
        output[HANDED_OVER] = {
            "experiments": ledger.expected,
            "points": sorted(ledger.points),
            "notes": ledger.notes,
        }

    def _set_status(self, session: pytest.Session) -> None:
        """A gate that is closed fails the run; experiments that a waiver covers, or a warning mode, do not."""
        if self.report is None or session.exitstatus not in {
            pytest.ExitCode.OK,
            pytest.ExitCode.TESTS_FAILED,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        }:
            return
        gate = self.report.gate
        lets_pass = gate.passed or gate.mode == "warn" or gate.deferred
        closed = not lets_pass or self._other_failures > 0
        session.exitstatus = pytest.ExitCode.TESTS_FAILED if closed else pytest.ExitCode.OK

    def _publish(self) -> Report:
        from pytest_resilience.checklist.experiments.outside import evidence_outside_of_runs
        from pytest_resilience.report.judged import judged
        from pytest_resilience.report.publish import publish

        configuration = self._run.configuration
        evidence = self.ledger.findings()
        if self.asked:
            evidence += evidence_outside_of_runs(
                configuration,
                seen=evidence,
                alert_classes=self.ledger.alert_classes,
                drilled=self.ledger.drilled,
            )
        evidence = [replace(each, replay=as_here(self._config, each.replay)) for each in evidence]
        today = datetime.now(UTC).date()
        waivers = self._config.stash[SUITE].waivers
        why = self._why_left_out()
        left_out = self.ledger.left_out(why, early=self._ended_early()) if self.asked else {}
        report = judged(
            evidence,
            today=today,
            mode=self._config.getoption("resilience_checklist_mode") if self.asked else "warn",
            asked=self.asked,
            **self._facts(left_out, waivers),
        )
        found = {f"{each['slug']}.yaml": each["text"] for each in _distinct(self.ledger.found)}
        return publish(report, self._folder, secrets=self._secrets(), found=found)

    def _tell_junit(self, report: Report) -> None:
        """Write the verdicts into pytest's own JUnit file, where one is written."""
        from _pytest.junitxml import xml_key

        from pytest_resilience.report.junit import junit_properties

        xml = self._config.stash.get(xml_key, None)
        if xml is not None:
            for name, value in junit_properties(report):
                xml.add_global_property(name, value)

    def _facts(self, left_out: Mapping[str, tuple[str, ...]], waivers: Any) -> dict[str, Any]:
        from pytest_resilience.report.model import Coverage, Found, ScenarioVerdict, Shard
        from pytest_resilience.report.timeline import Timeline
        from pytest_resilience.report.typed import typed

        ledger, configuration = self.ledger, self._run.configuration
        shard = self._config.getoption("resilience_shard")
        return {
            "started": self.began.isoformat(),
            "seed": self._run.seed,
            "engines": engines_of(self._run.engines),
            "scenarios": tuple(typed(ScenarioVerdict, each) for each in ledger.scenarios),
            "coverage": Coverage(
                points=len(ledger.points | ledger.exercised.keys()),
                exercised=len(ledger.exercised),
                survived=sum(ledger.exercised.values()),
            ),
            "found": tuple(
                Found(file=_found_file(each), why=each["why"], replay=self._replay_found(each))
                for each in _distinct(ledger.found)
            ),
            "runs": tuple(typed(Timeline, each) for each in ledger.telling_runs()),
            "duration": (datetime.now(UTC) - self.began).total_seconds(),
            "commit": self._commit.name,
            "dirty": self._commit.dirty,
            "time_scale": configuration.time_scale,
            "versions": {
                "python": platform.python_version(),
                "pytest": pytest.__version__,
                "pytest-resilience": __version__,
            },
            "configuration": digest_of(configuration.file),
            "shard": None if shard is None else Shard(index=shard[0], count=shard[1]),
            "waivers": tuple(waivers),
            "left_out": left_out,
            "not_run": {} if shard is None else ledger.not_run(),
            "tests": dict(ledger.tests),
            "notes": tuple(ledger.notes),
        }

    def _ended_early(self) -> bool:
        """Whether more may be missing than is known: nobody has said what there is where all workers have died."""
        untold = self._config.pluginmanager.hasplugin("dsession") and not self.ledger.told
        return self._interrupted is not None or untold

    def _why_left_out(self) -> str:
        if self._ended_early():
            return f"the test run was interrupted{self._interrupted or ''}"
        if self._config.getoption("resilience_shard") is not None:
            return "they belong to other shards"
        options = self._config.option
        reasons = [
            name
            for name, given in (("-k", options.keyword), ("-m", options.markexpr), ("-x", options.maxfail))
            if given
        ]
        if self._config.getoption("resilience_budget") is not None:
            reasons.append("--chaos-budget")
        return f"left out by {' or '.join(reasons)}" if reasons else "they were not selected"

    def _replay_found(self, found: Mapping[str, Any]) -> str:
        folder = os.path.relpath(self._folder, self._config.invocation_params.dir)
        return as_here(self._config, f"{BEGIN} {shlex.quote(f'{folder}/{_found_file(found)}')}")

    def _secrets(self) -> list[str]:
        from pytest_resilience.services.alert_inbox.credentials import CREDENTIALS

        return [CREDENTIALS["PAGERDUTY_ROUTING_KEY"], *self._run.pool.passwords]


def _found_file(found: Mapping[str, Any]) -> str:
    return f"found/{found['slug']}.yaml"


def _distinct(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one finding of each: those that go wrong in the same way at the same kind of place are one."""
    return list({each["slug"]: each for each in reversed(found)}.values())[::-1]
