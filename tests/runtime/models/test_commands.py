"""The command line deploys, rolls back and tells, for people and for programs, and its status says how it went."""

from __future__ import annotations

import json

import pytest

from pytest_resilience.__main__ import main


@pytest.fixture
def command(capsys):
    """Return a function that runs a subcommand, and returns its status and what it printed."""

    def command(*arguments):
        status = main([str(argument) for argument in arguments])
        return status, capsys.readouterr().out

    return command


@pytest.fixture
def champion(client, model_name):
    """Return a function that tells who is in charge."""

    def champion():
        return client.get_registered_model(model_name).aliases.get("champion")

    return champion


def test_deploy_puts_a_version_in_charge(command, register_quickly, model_name, champion):
    """Status 0; the line names the model, the version and the one before."""
    version = register_quickly()

    status, text = command("deploy", model_name, version, "--why", "the first")

    assert (status, champion()) == (0, version)
    assert text.startswith(f"success: model {model_name}, version 1, before it none")


def test_deploy_of_an_unhealthy_version_fails(command, register_quickly, model_name, champion):
    """Status 1; the error is shown."""
    old = register_quickly()
    command("deploy", model_name, old)

    status, text = command("deploy", model_name, register_quickly(float("nan")))

    assert (status, champion()) == (1, old)
    assert "NaN" in text


def test_deploy_speaks_json(command, register_quickly, model_name):
    """A program gets the same mapping that the function returns."""
    status, text = command("deploy", model_name, register_quickly(), "--json")

    result = json.loads(text)
    assert status == 0
    assert (result["status"], result["version"], result["scheme"]) == ("success", 1, "aliases")


@pytest.mark.parametrize(("answer", "expected"), [(1.0, (0, "2")), (float("nan"), (1, "1"))])
def test_a_dry_run_changes_nothing(answer, expected, command, register_quickly, model_name, champion):
    """It checks the version and tells who would be in charge."""
    old = register_quickly()
    command("deploy", model_name, old)

    status, text = command("deploy", model_name, register_quickly(answer), "--dry-run", "--json")

    assert (status, json.loads(text)["would_be_in_charge"]) == expected
    assert champion() == old


def test_rollback_goes_back(command, register_quickly, model_name, champion):
    """First it tells, then it does."""
    old, new = register_quickly(), register_quickly()
    command("deploy", model_name, old)
    command("deploy", model_name, new)

    told = command("rollback", model_name, "--dry-run")
    unchanged = champion()
    status, text = command("rollback", model_name)

    assert told == (0, "in charge now: 2; after it: 1; nothing was changed\n")
    assert (unchanged, status, champion()) == (new, 0, old)
    assert "version 1 instead of 2" in text


def test_rollback_without_a_way_back_is_an_error(command, register_quickly, model_name, capsys):
    """Status 4, and the message says that there is no earlier version."""
    command("deploy", model_name, register_quickly())

    assert main(["rollback", model_name]) == 4
    assert "no earlier version" in capsys.readouterr().err


def test_the_ledger_is_shown(command, register_quickly, model_name):
    """One line an entry for people, all facts for programs."""
    nothing = register_quickly() and command("ledger", model_name)
    command("deploy", model_name, 1, "--why", "the first")

    _, text = command("ledger", model_name)
    _, facts = command("ledger", model_name, "--json")

    assert nothing == (0, "no change is on record\n")
    assert [line.split()[5] for line in text.splitlines()] == ["begun", "success"]
    assert {entry["why"] for entry in json.loads(facts)["entries"]} == {"the first"}


@pytest.mark.parametrize(
    "words",
    [("deploy", 1), ("deploy", 1, "--dry-run"), ("rollback",), ("rollback", "--dry-run"), ("ledger",)],
)
def test_a_registry_that_hangs_ends_every_command(words, hanging_url, model_name, capsys):
    """At the deadline, with status 4, for it could not be tried."""
    name, *rest = map(str, words)

    assert main([name, model_name, *rest, "--tracking-uri", hanging_url, "--deadline", "1"]) == 4
    assert f"pytest_resilience {name}: " in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["0", "-1", "inf", "soon"])
def test_a_deadline_that_means_nothing_is_refused(wrong, capsys):
    """By the command line itself, with its usage."""
    with pytest.raises(SystemExit):
        main(["ledger", "icu", "--deadline", wrong])

    assert "--deadline" in capsys.readouterr().err


def test_the_ledger_says_that_a_change_has_not_ended(command, client, register_quickly, model_name):
    """What was cut off is seen by people and by programs."""
    command("deploy", model_name, register_quickly())
    client.delete_registered_model_tag(model_name, "pytest-resilience.ledger.000002")

    _, text = command("ledger", model_name)
    _, facts = command("ledger", model_name, "--json")

    assert text.splitlines()[-1].startswith("the last change has not ended")
    assert json.loads(facts)["unfinished"] is True
