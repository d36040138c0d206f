"""Change who is in charge of a model so that, whatever happens half-way, the old or the new version is.

    ledger: begun > check > put in charge > prove > check again > ledger: success
    and after a failure of any of them > restore > prove > ledger: rolled_back

Each part has its share of the time that the whole may take. What a killed process left half-done, or one whose time
was over, stands in the ledger as begun and not ended, and is settled by the next change, from the entry that was begun.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pytest_resilience.clock import SYSTEM_CLOCK, Clock
from pytest_resilience.errors import FatalError, ResilienceError
from pytest_resilience.runtime.models.allotted_time import AllottedTime
from pytest_resilience.runtime.models.deployment_lock import DeploymentConflictError, DeploymentLock
from pytest_resilience.runtime.models.journal import Journal, this_user
from pytest_resilience.runtime.models.ledger import Action, Ledger, LedgerEntry
from pytest_resilience.runtime.models.registry import ModelRegistry
from pytest_resilience.runtime.models.schemes import Before, Scheme, choose_scheme
from pytest_resilience.runtime.models.standing import ARCHIVED

Status: TypeAlias = Literal["success", "rolled_back", "conflict", "unknown"]


@dataclass(frozen=True, slots=True)
class Changed:
    """How a change of charge ended.

    Args:
        status: `success`; `rolled_back` when what was before is proven to be in charge; `conflict` when somebody
            else changed it meanwhile; `unknown` when the registry could not be asked any more.
        version: the version that the change was about.
        previous: the version in charge before, or None.
        scheme: `aliases` or `stages`.
        error: what went wrong.
    """

    status: Status
    version: str
    previous: str | None
    scheme: str
    error: str | None = None


@dataclass(slots=True)
class ChangeOfCharge:
    """One change of one model, under its lock.

    Args:
        registry: where the model is.
        lock: the model's lock, held.
        model_name: the model.
        scheme_name: `auto`, `aliases` or `stages`.
        check: raises if a version is not fit to be in charge.
        time: what it may take, the undoing included.
        why: the reason, for the ledger.
        who: who does it, for the ledger; default: this user on this host.
        clock: stamps the entries.
    """

    registry: ModelRegistry
    lock: DeploymentLock
    model_name: str
    scheme_name: str
    check: Callable[[str], object]
    time: AllottedTime
    why: str | None = None
    who: str | None = None
    clock: Clock = SYSTEM_CLOCK
    _scheme: Scheme = field(init=False)
    _journal: Journal = field(init=False)

    def deploy(self, version: str) -> Changed:
        """Put a version in charge if it is fit, else restore what was before."""
        before = self.time.forward(self._begin, version)
        missing = self.time.forward(self._missing, version)
        if missing is not None:
            return self._ended("rolled_back", version, before, missing)
        return self._change("deploy", version, before, lambda: self._promote(version, before))

    def roll_back(self) -> Changed:
        """Put in charge again what was before the version in charge.

        Raises:
            FatalError: nothing is known to have been in charge before.
        """
        before = self.time.forward(self._begin, None)
        target = self.time.forward(self.previous_of, before)
        if target is None:
            raise FatalError(
                f"Model {self.model_name!r} has no earlier version to roll back to: neither its ledger nor the "
                f"registry names one that was in charge before {before.champion}. Deploy one instead."
            )
        # With the version in charge its alias is deleted too, and there is nothing left to demote.
        demoted = before.champion or target
        then = Before(target, self._journal.ledger.previous_of(target))
        return self._change(
            "rollback", target, before, lambda: self._scheme.restore(self.model_name, demoted, then)
        )

    def previous_of(self, before: Before) -> str | None:
        """Return which version was in charge before the one that is: by the ledger, else by the registry."""
        ledger = self._journal.ledger
        in_charge = before.champion or ledger.in_charge
        known = ledger.previous_of(in_charge) if in_charge else None
        return known or before.previous or self._only_archived()

    def _begin(self, version: str | None) -> Before:
        standing = self.registry.standing(self.model_name)
        ledger = Ledger.of(standing.tags)
        unfinished = ledger.unfinished
        self._scheme = choose_scheme(
            unfinished.scheme if unfinished else self.scheme_name, self.registry, standing
        )
        self._journal = Journal(
            self.registry, self.model_name, self._scheme.name, self.who or this_user(), ledger, self.clock
        )
        before = self._scheme.before(standing)
        return before if unfinished is None else self._settle(unfinished, before, version)

    def _settle(self, entry: LedgerEntry, now: Before, version: str | None) -> Before:
        """End what a killed process has begun, and return what counts as before."""
        before = Before(entry.from_version, entry.previous)
        wanted = entry.to_version if entry.action == "rollback" else entry.from_version
        is_gone = wanted not in {None, now.champion} and not self.registry.has(self.model_name, str(wanted))
        if is_gone or now.champion not in {entry.from_version, entry.to_version}:
            why = "its version was deleted" if is_gone else "others went on"
            self._journal.note("superseded", entry.action, entry.to_version, now, f"its process died, {why}")
            return now
        if entry.action == "rollback":
            then = Before(entry.to_version, self._journal.ledger.previous_of(entry.to_version))
            self._scheme.restore(self.model_name, entry.from_version or entry.to_version, then)
            self._journal.note(
                "success", "rollback", entry.to_version, before, "ended after its process died"
            )
            return then
        if entry.to_version == version:
            return before
        self._scheme.restore(self.model_name, entry.to_version, before)
        self._journal.note("rolled_back", "deploy", entry.to_version, before, "its process died")
        return before

    def _change(
        self, action: Action, version: str, before: Before, put_in_charge: Callable[[], None]
    ) -> Changed:
        self.time.forward(self._journal.note, "begun", action, version, before, self.why)

        def go_forward() -> None:
            self.check(version)
            self.lock.check()
            put_in_charge()
            self._prove(version)
            self.check(version)
            self._journal.note("success", action, version, before, self.why)

        try:
            self.time.forward(go_forward)
        except DeploymentConflictError as error:
            return self._ended("conflict", version, before, error)
        except ResilienceError as error:
            return self._undone(action, version, before, error)
        except BaseException as error:
            self._undone(action, version, before, error)
            raise
        return self._ended("success", version, before)

    def _undone(self, action: Action, version: str, before: Before, cause: BaseException) -> Changed:
        why = str(cause) or type(cause).__name__

        def restore() -> None:
            self._scheme.restore(self.model_name, version, before)
            self._prove(before.champion)
            self._journal.note("rolled_back", action, version, before, why)

        try:
            self.time.undoing(restore)
        except DeploymentConflictError as error:
            return self._ended("conflict", version, before, error)
        except ResilienceError as error:
            story = (
                f"{why} Then it could not be restored: {error} Run the same again when the registry is back."
            )
            return self._ended("unknown", version, before, story)
        if before.champion is None:
            why = f"{why} There was no earlier version, so the model is withdrawn: none is in charge."
        return self._ended("rolled_back", version, before, why)

    def _ended(
        self, status: Status, version: str, before: Before, error: BaseException | str | None = None
    ) -> Changed:
        again = version == before.champion
        previous = self.time.undoing(self.previous_of, before) if again else before.champion
        return Changed(status, version, previous, self._scheme.name, str(error) if error else None)

    def _promote(self, version: str, before: Before) -> None:
        self._scheme.promote(self.model_name, version, before)

    def _prove(self, version: str | None) -> None:
        """Ask the registry anew who is in charge: aliases and stages have no compare-and-set."""
        champion = self._scheme.before(self.registry.standing(self.model_name)).champion
        if champion != version:
            raise DeploymentConflictError(
                f"Version {champion} of model {self.model_name!r} is in charge, and not {version}: somebody "
                "else moved it without the lock. Look at who did, then deploy again."
            )

    def _missing(self, version: str) -> str | None:
        what = f"Looking up model {self.model_name!r} version {version}"
        try:
            self.registry.request(what, lambda client: client.get_model_version(self.model_name, version))
        except FatalError as error:
            return f"{error} Nothing was changed."
        return None

    def _only_archived(self) -> str | None:
        """Return the version in stage Archived, where it is the only one: of several, none says that it was last."""
        if self._scheme.name != "stages":
            return None
        versions = self.registry.versions(self.model_name, ARCHIVED)
        return versions[0] if len(versions) == 1 else None
