"""What a run keeps in an MLflow registry that is not its own."""

from __future__ import annotations

from pytest_resilience.clock import SYSTEM_CLOCK
from pytest_resilience.services.foreign_mlflow import remove_from_registry
from pytest_resilience.services.mlflow import MlflowAddress
from pytest_resilience.services.own_keeper import keep
from pytest_resilience.services.own_names import is_left_behind, own_names
from pytest_resilience.services.run_folder import RunFolder


def plan_in_registry(run: RunFolder, server: str) -> str:
    """Say what the run will make and delete in a registry.

    Args:
        run: the run.
        server: what it is called.
    """
    return (
        f"{server}: deletes at the end the experiments and models {own_names(run).registry}*, with those that a killed "
        "run has left there a day ago or earlier; what code under test makes there under other names stays"
    )


def begin_in_registry(run: RunFolder, address: MlflowAddress) -> MlflowAddress:
    """See to it that what the run makes in a registry goes with the run, and delete what killed runs have left there.

    Args:
        run: the folder and the owner.
        address: of the server.
    """
    now = SYSTEM_CLOCK.time()
    keep(run, "mlflow", {"url": address.url, "prefix": own_names(run).registry})
    remove_from_registry(address.url, lambda name: is_left_behind(name, now=now))
    return address
