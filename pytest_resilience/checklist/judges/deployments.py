"""Item 7: a deployment that fails in its middle leaves what served before, or what it was to bring, and no mixture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pytest_resilience.chaos.configuration.model import WorkloadDeclaration
from pytest_resilience.chaos.expectations.log_levels import WARNING
from pytest_resilience.chaos.explore.wholeness import TOLD
from pytest_resilience.chaos.points.of_http import http_request
from pytest_resilience.chaos.run.record import Message, RunRecord
from pytest_resilience.chaos.state.postgres import PostgresState
from pytest_resilience.chaos.state.registry import ModelState, RegistryState
from pytest_resilience.checklist.judges.case import Case, subject_of
from pytest_resilience.checklist.judges.proof import missing_proof, never_returned, said, worked
from pytest_resilience.checklist.judges.rollback import ITEM
from pytest_resilience.checklist.records.struck import struck
from pytest_resilience.checklist.verdict import Evidence

States: TypeAlias = Mapping[str, Any]
"""By service, what was read of it."""
Where: TypeAlias = tuple[str, str, str]
"""A service, a model, and `alias champion` or `stage Production`."""
Serving: TypeAlias = Mapping[Where, frozenset[str]]
"""The versions that stand there."""
NEW = "new"
"""Stands for each version that was not there before: their numbers depend on how often it was tried."""
PRODUCTION = "Production"
_MOVES = re.compile(r"/registered-models/(?:alias|delete)$|/model-versions/(?:transition-stage|delete)$")
"""Paths of requests by which another version comes to serve, or none."""

_SAYS_SO = re.compile(
    r"\broll(?:ed|ing)[ _-]?back\b|\brestor(?:ed|ing)\b|\brevert(?:ed|ing)\b", re.IGNORECASE
)
_UNDOES = re.compile(r"^\s*(?:DELETE|DROP|ALTER)\b", re.IGNORECASE)
_LOOKS = re.compile(r"\s*(?:GET|HEAD|SELECT)\b", re.IGNORECASE)
_RESTORE = (
    "on any failure let the version serve that served before: remember it before the first change, set each alias and "
    "stage back to it, undo what was written to the database, and read back what serves now"
)
_ROWS = (
    "let the rows and the schema say what the registry says: undo them where it goes back, and write them where it "
    "does not; a table that records what was tried is named under `mask`"
)
_BY_ITSELF = (
    "it failed and left {left}: it does not go back by itself, which is left to {whom}; until then what failed its "
    "check serves"
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a workload that brings another version of a model to serve changes, undisturbed.

    Args:
        before: the states at the beginning.
        after: at the end.
    """

    before: States
    after: States

    @property
    def moves(self) -> frozenset[Where]:
        """Where another version serves at the end; nowhere where the workload deploys nothing."""
        begin, end = self._serving(self.before), self._serving(self.after)
        return frozenset(where for where in begin if begin[where] != end[where])

    def served(self, seen: States) -> Literal["before", "after", "mixed"]:
        """Say which versions serve in a state that a failure has left."""
        found = self._serving(seen)
        if found == self._serving(self.before):
            return "before"
        return "after" if found == self._serving(self.after) else "mixed"

    def moved(self, seen: States) -> list[str]:
        """Say what serves now, and what did before, where another does."""
        begin, end = self._serving(self.before), self._serving(seen)
        return [
            f"{service}: {what} of {model} is {_versions(end[where])}, before it was "
            f"{_versions(begin[where])}"
            for where in sorted(begin)
            for service, model, what in (where,)
            if begin[where] != end[where]
        ]

    def parts(self, seen: States, *, like: States) -> list[str]:
        """Return the tables, and objects of a schema, that it changes, and that now are as in `like`.

        Those in a third state are left out: tables that record what was tried, and that it failed.
        """
        return [
            f"{service}: {name}"
            for service, parts in _parts(self.before).items()
            for name in sorted(parts.keys() | _parts(self.after)[service].keys())
            if parts.get(name) != _parts(self.after)[service].get(name)
            and _parts(seen)[service].get(name) == _parts(like)[service].get(name)
        ]

    def _serving(self, states: States) -> Serving:
        found: dict[Where, frozenset[str]] = {}
        for service, before in self.before.items():
            after = self.after.get(service)
            if not isinstance(before, RegistryState) or not isinstance(after, RegistryState):
                continue
            for model in sorted(before.models.keys() | after.models.keys()):
                old = before.models.get(model, ModelState())
                now = states[service].models.get(model, ModelState())
                for alias in _aliases(old, after.models.get(model, ModelState())):
                    version = now.aliases.get(alias)
                    found[service, model, f"alias {alias}"] = _known([version] if version else [], old)
                staged = [number for number, one in now.versions.items() if one.stage == PRODUCTION]
                found[service, model, f"stage {PRODUCTION}"] = _known(staged, old)
        return found


def judge(
    run: RunRecord,
    *,
    clean: RunRecord,
    workload: WorkloadDeclaration,
    deployment: Deployment,
    seen: States,
    replay: str = "",
) -> Evidence:
    """Return what one failure in the middle of a deployment left.

    Args:
        run: a deployment one of whose calls failed, started once.
        clean: the undisturbed run.
        workload: the code under test, as declared.
        deployment: what it changes undisturbed.
        seen: the states that the run left.
        replay: tries it again.
    """
    case = Case(item=ITEM, subject=subject_of(workload.name, ", ".join(deployment.before)), replay=replay)
    if missing := missing_proof(run, clean=clean) or never_returned(run):
        return case.unproven(*missing)
    served, success = deployment.served(seen), worked(run)
    goes_back = _says(run) and not _says(clean)
    if success and served == "after" and not (goes_back and not _tried_again(run)):
        return _judge_done(case, run, deployment.parts(seen, like=deployment.before))
    still = deployment.parts(seen, like=deployment.after) if served == "before" else deployment.moved(seen)
    if not still:
        return case.passed()
    told = "; ".join(still[:TOLD]) + (f"; {len(still) - TOLD} more" if len(still) > TOLD else "")
    left = (
        told if served != "before" else f"{told} as after the deployment, though the earlier version serves"
    )
    if success or goes_back or _undoes(run, clean):
        how = "says that it went back" if goes_back else "reported success" if success else "went back"
        return case.failed(f"it {how}, but {left}", _ROWS if served == "before" else _RESTORE)
    if workload.rollback is not None or workload.restarts:
        whom = "the declared rollback" if workload.rollback is not None else "the next start"
        return case.passed(_BY_ITSELF.format(left=left, whom=whom))
    return case.failed(f"it failed and left {left}, and nothing is declared that undoes it", _RESTORE)


def _judge_done(case: Case, run: RunRecord, missing: list[str]) -> Evidence:
    """Judge a deployment that came to its end all the same."""
    if not missing:
        return case.passed()
    told = f"the new version serves and success was reported, but {', '.join(missing[:TOLD])} as before it"
    return case.passed(told) if said(run, WARNING) else case.failed(told, _ROWS)


def _aliases(before: ModelState, after: ModelState) -> Iterator[str]:
    """Yield the aliases that say what serves: those of before, or the only one where there were none."""
    yield from before.aliases
    if not before.aliases and len(after.aliases) == 1:
        yield from after.aliases


def _known(versions: list[str], before: ModelState) -> frozenset[str]:
    return frozenset(number if number in before.versions else NEW for number in versions)


def _versions(known: frozenset[str]) -> str:
    """Return `version 1`; a new one has no number that says more."""
    if not known:
        return "not set"
    return " and ".join(
        "the new version" if number == NEW else f"version {number}" for number in sorted(known)
    )


def _parts(states: States) -> dict[str, dict[str, Any]]:
    """Return, by database, what may be as before or as after: each object of its schema, and each table's rows."""
    return {
        service: {**state.schema, **{f"the rows of {name}": table for name, table in state.tables.items()}}
        for service, state in states.items()
        if isinstance(state, PostgresState)
    }


def _says(run: RunRecord) -> bool:
    """Tell whether it says that it went back."""
    texts = [text for process in run.processes for text in (process.stdout, process.stderr)]
    texts += [*(line.text for line in run.logs), *(call.message for call in run.calls)]
    return any(_SAYS_SO.search(text) for text in texts)


def _tried_again(run: RunRecord) -> bool:
    """Tell whether what failed was asked for again, and not failed by us, or a lost reply's deed looked for."""
    failed = struck(run)
    kinds = {_kind(request) for request in failed}
    unanswered = {fault.order.on for fault in run.faults if fault.order.when.side == "reply"}
    return any(
        _kind(request) in kinds or (request.service in unanswered and _LOOKS.match(_kind(request)[1]))
        for request in _since(run)
        if request.side == "request" and request not in failed
    )


def _kind(request: Message) -> tuple[str, str]:
    """Return what a request has in common with another try of it."""
    return request.service, http_request(request) or request.shape or ""


def _undoes(run: RunRecord, clean: RunRecord) -> bool:
    """Tell whether it moved models, or deleted rows, after the last refusal, more than it had still to do."""
    since = _since(run, last=True)
    moves = [message for message in run.messages if _moves(message)]
    later = sum(map(_moves, since))
    to_do = max(0, sum(map(_moves, clean.messages)) - (len(moves) - later))
    known = {(message.service, message.shape) for message in clean.messages}
    return later > to_do or any(
        _UNDOES.search(message.shape or "") and (message.service, message.shape) not in known
        for message in since
    )


def is_move(request: str, shape: str | None = None) -> bool:
    """Tell whether a request, such as `POST /path`, brings another version to serve.

    Args:
        request: its method and path.
        shape: the path without what differs from run to run; none where it has nothing of that.
    """
    method, _, path = request.partition(" ")
    return method not in {"GET", "HEAD"} and _MOVES.search(shape or path) is not None


def _moves(message: Message) -> bool:
    return message.side == "request" and is_move(message.message, message.shape)


def _since(run: RunRecord, *, last: bool = False) -> list[Message]:
    """Return what came after the first refusal, or the last."""
    times = [receipt.at for fault in run.faults for receipt in fault.receipts]
    struck = (max if last else min)(times, default=run.duration)
    return [message for message in run.messages if message.at > struck]
