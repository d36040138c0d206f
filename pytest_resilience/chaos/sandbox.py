"""The sandbox: what one test or one run has to itself, services in a known state, faults, and the undoing of it all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_resilience.chaos.configuration.model import Configuration, ServiceDeclaration, ServiceKind
from pytest_resilience.chaos.fault import Fault
from pytest_resilience.chaos.handle import ServiceHandle
from pytest_resilience.chaos.http_handle import HttpHandle
from pytest_resilience.chaos.known_state.begun import Begun
from pytest_resilience.chaos.known_state.declared import BEGIN, UNDECLARED
from pytest_resilience.chaos.known_state.ground import Ground
from pytest_resilience.chaos.known_state.surroundings import Surroundings
from pytest_resilience.chaos.log_view import LogView
from pytest_resilience.chaos.mlflow_handle import MlflowHandle
from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.postgres_handle import PostgresHandle
from pytest_resilience.chaos.receipt import Receipt
from pytest_resilience.chaos.wire import Place
from pytest_resilience.errors import HarnessError
from pytest_resilience.services.engine import EngineClient
from pytest_resilience.services.pool import ServicePool
from pytest_resilience.services.supervised_toxiproxy import SupervisedToxiproxy

if TYPE_CHECKING:
    from pytest_resilience.services.alert_inbox import AlertInbox

Told = Callable[[Mapping[str, str]], None]
_FIRST = ("message", "request")
"""How a trigger names what a handle's `at` takes first."""
_BESIDE = ("sql", "rows", "table", "side", "nth", "times", "connection", "headers", "body")
_WHEN = (*_FIRST, *_BESIDE)
"""What a trigger takes by name; a test compares it with what `at` does."""


class UnknownServiceError(HarnessError):
    """Say that a test asked for a service that nobody declared."""


@dataclass(slots=True, repr=False)
class Sandbox:
    """Services of one test or one run, made when first asked for, undone when closed.

    Several may be there at once in a process, each used by one thread.

    Args:
        pool: the run's servers.
        title: what the test or the run is called.
        configuration: what is declared; without one there are the undeclared services alone.
        fresh_registry: MLflow servers begin in their known state, each used by one sandbox at a time; without it
            all tests share the run's, and keep apart by `prefix`.
        told: is given the environment variables of a service as soon as it is there.
    """

    pool: ServicePool
    title: str
    configuration: Configuration | None = None
    fresh_registry: bool = False
    told: Told | None = None
    _begun: dict[str, Begun] = field(default_factory=dict)
    _ground: Ground = field(init=False)
    _around: Surroundings = field(init=False)

    def __repr__(self) -> str:
        """Return its title alone: addresses of the configuration may hold passwords."""
        return f"<sandbox {self.title!r}>"

    def __post_init__(self) -> None:
        folder = Path.cwd() if self.configuration is None else self.configuration.folder
        self._ground = Ground(
            self.pool,
            folder,
            fresh_registry=self.fresh_registry,
            sole_registry=len(self._names_of("mlflow")) == 1,
        )
        self._around = Surroundings(self._ground, self.configuration)

    @property
    def logs(self) -> dict[str, LogView]:
        """What the services have written meanwhile, by who wrote it."""
        return self._ground.logs

    @property
    def prefix(self) -> str:
        """What begins the names that this sandbox keeps on servers that others use too."""
        return self._ground.prefix

    @property
    def replacements(self) -> list[str]:
        """Why the real Toxiproxy was replaced meanwhile, each time."""
        return self._ground.replacements

    def engine(self) -> EngineClient:
        """Return the client of the engine that carries this sandbox's faults."""
        return self._ground.engine()

    def toxiproxy(self) -> SupervisedToxiproxy | None:
        """Return the real Toxiproxy that carries the network faults; none where our engine does."""
        return self._ground.toxiproxy()

    @property
    def declared(self) -> Mapping[str, ServiceDeclaration]:
        """Every service that can be asked for, by name: those declared, and of kinds not declared an empty one."""
        services = {} if self.configuration is None else dict(self.configuration.services)
        kinds = {service.kind for service in services.values()}
        return services | {
            name: service
            for name, service in UNDECLARED.items()
            if service.kind not in kinds and name not in services
        }

    def service(self, name: str) -> ServiceHandle:
        """Return the handle of a service.

        Raises:
            UnknownServiceError: there is no such service.
            HarnessError: it could not be brought into its declared state.
        """
        __tracebackhide__ = True
        return self._service(name).handle

    def of_kind(self, kind: ServiceKind) -> ServiceHandle:
        """Return the handle of the only declared service of a kind, or of an undeclared one.

        Raises:
            UnknownServiceError: there are several, or there is none.
        """
        names = self._names_of(kind)
        if len(names) > 1:
            raise UnknownServiceError(
                f"several services of kind {kind} are declared, {', '.join(names)}: "
                f"say which, for example service({names[0]!r})"
            )
        if not names:
            raise UnknownServiceError(
                f"no service of kind {kind} is declared; declare one: [tool.resilience.services.NAME], in "
                f'resilience.toml [services.NAME], with kind = "{kind}" and an upstream'
            )
        return self.service(names[0])

    def postgres(self) -> PostgresHandle:
        """Return the database: the only declared one, or a new and empty one."""
        handle = self.of_kind("postgres")
        assert isinstance(handle, PostgresHandle)  # noqa: S101 - that is what the kind is made as
        return handle

    def mlflow(self) -> MlflowHandle:
        """Return the MLflow server: the only declared one, or the run's."""
        handle = self.of_kind("mlflow")
        assert isinstance(handle, MlflowHandle)  # noqa: S101 - that is what the kind is made as
        return handle

    def http(self) -> HttpHandle:
        """Return the only declared web service."""
        handle = self.of_kind("http")
        assert isinstance(handle, HttpHandle)  # noqa: S101 - that is what the kind is made as
        return handle

    def addresses(self, name: str) -> tuple[str, ...]:
        """Return where the real service is, around its proxy: `host:port` each, or the path of a Unix socket."""
        return self._service(name).addresses

    def trace(self, name: str) -> list[dict[str, Any]]:
        """Return the last messages between code and a service, as the engine's API describes them.

        Raises:
            HarnessError: there were more than the engine keeps.
        """
        proxied = self._service(name).handle.proxied
        entries, _, lost = self.engine().trace(proxied.proxy)
        if lost:
            raise HarnessError(f"the first {lost} messages of service {name} are not kept any more")
        return entries

    def environment(
        self, services: Iterable[str] | None = None, *, shell: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Return the whole environment of what runs here; begins the services that it names.

        Args:
            services: those that are used; by default all that are declared. Of the others there is no variable.
            shell: what it starts from; by default the environment at the start of the run.
        """
        names = self._declared_names() if services is None else services
        start = self.pool.shell if shell is None else shell
        return self._around.environment(start, [self._service(name).env for name in names])

    def variables(self) -> dict[str, str]:
        """Return what the environment has of this sandbox, but for its services."""
        return self._around.variables()

    @property
    def canaries(self) -> Mapping[str, str]:
        """The secrets that are planted in this sandbox alone, by environment variable."""
        return self._around.canaries()

    @property
    def folder(self) -> Path:
        """The private copy of the configuration's folder; without a configuration an empty folder."""
        return self._around.folder()

    @property
    def inbox(self) -> AlertInbox:
        """The captured endpoints for alerts."""
        return self._around.inbox()

    def inject(
        self, service: str, kind: str, *, when: Mapping[str, Any] | None = None, **attributes: Any
    ) -> Fault:
        """Return a fault on a service, by names.

        Args:
            service: the service's name.
            kind: a network fault, or with `when` a fault at a message.
            when: the trigger, with the arguments of the handle's `at`; `message` or `request` for its first.
            attributes: the fault's own.
        """
        __tracebackhide__ = True
        handle = self.service(service)
        if when is None:
            return handle.inject(kind, **attributes)
        if not isinstance(handle, PostgresHandle | HttpHandle):
            raise TypeError(f"service {service!r} has no messages that are known, so `when` means nothing")
        if not isinstance(when, Mapping):
            raise TypeError(
                f"when is {when!r}: it is a mapping, such as {{'message': 'COMMIT', 'side': 'reply'}}"
            )
        unknown = next((name for name in when if name not in _WHEN), None)
        if unknown is not None:
            raise TypeError(f"when has no key {unknown!r}; {nearest(unknown, _WHEN)}")
        by_name = {"message_or_request" if name in _FIRST else name: value for name, value in when.items()}
        return handle.at(**by_name).inject(kind, **attributes)

    @property
    def faults(self) -> list[Fault]:
        """Every fault that was made here."""
        return [fault for begun in self._begun.values() for fault in begun.handle.proxied.faults]

    @property
    def points(self) -> list[Place]:
        """Every place that was named here and where no fault was set."""
        return [point for begun in self._begun.values() for point in begun.handle.proxied.points.values()]

    @property
    def receipts(self) -> list[Receipt]:
        """What the faults here have hit, in order."""
        found = [receipt for fault in self.faults for receipt in fault.receipts]
        return sorted(found, key=lambda receipt: receipt.at)

    def close(self) -> None:
        """Heal every fault and undo everything; what fails does not stop the rest. Safe to call twice."""
        with self._ground.undo:
            for fault in self.faults:
                self._ground.undo.callback(fault.heal)

    def _service(self, name: str) -> Begun:
        __tracebackhide__ = True
        if name not in self._begun:
            declared = self.declared
            if name not in declared:
                if len(meant := self._names_of(name)) == 1:  # `service("postgres")`, and one is declared
                    return self._service(meant[0])
                raise UnknownServiceError(f"there is no service {name!r}; {nearest(name, declared)}")
            self._begun[name] = BEGIN[declared[name].kind](self._ground, declared[name])
            if self.told is not None:
                self.told(self._begun[name].env)
        return self._begun[name]

    def _names_of(self, kind: str) -> list[str]:
        return [name for name, service in self.declared.items() if service.kind == kind]

    def _declared_names(self) -> list[str]:
        return [] if self.configuration is None else list(self.configuration.services)
