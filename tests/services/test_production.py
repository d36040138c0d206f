"""Servers are broken only where nobody depends on them: an address that may be production is refused."""

from __future__ import annotations

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.production import check_not_production


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "127.0.0.1", "::1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "fd00::1", "fe80::1"),
        *("::ffff:127.0.0.1", "/run/postgresql", "nobody-knows.invalid", "staging-db.invalid"),
        *("delivery.invalid", "products.invalid", "alive.invalid"),
    ],
)
def test_near_addresses_pass(host: str) -> None:
    """This machine, private networks, and names that do not say `production`."""
    check_not_production("the server", host)


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("8.8.8.8", r"8\.8\.8\.8 is neither on this machine nor in a private network"),
        ("2001:4860:4860::8888", "is neither on this machine"),
        ("::ffff:8.8.8.8", "is neither on this machine"),
        ("100.64.0.1", "is neither on this machine"),
        ("db-prod1.invalid", r"its name is db-prod1\.invalid"),
        ("LIVE.db.invalid", "its name is LIVE"),
        ("production", "its name is production"),
    ],
)
def test_what_looks_like_production_is_refused(host: str, words: str) -> None:
    """The message says why, and what to say where it is wrong."""
    with pytest.raises(HarnessError, match=rf"the server is at .*: .*{words}.*not_production = \['"):
        check_not_production("the server", host)


def test_other_names_tell_too() -> None:
    """The name of the database may say what the host's does not."""
    with pytest.raises(HarnessError, match="its name is icu_prod"):
        check_not_production("the server", "127.0.0.1", names=["icu_prod"])


@pytest.mark.parametrize("entry", ["8.8.8.8", "8.8.8.0/24", "8.8.*"])
def test_what_only_looks_so_can_be_named(entry: str) -> None:
    """By address, network or pattern."""
    check_not_production("the server", "8.8.8.8", not_production=[entry])


@pytest.mark.parametrize(
    ("listed", "host"),
    [
        ("DB.hospital.invalid.", "db.hospital.invalid"),
        ("*.hospital.invalid", "db.hospital.invalid"),
        ("10.1.0.0/16", "10.1.2.3"),
        ("127.0.0.1", "localhost"),
        ("localhost", "127.0.0.1"),
        ("localhost", "::ffff:127.0.0.1"),
    ],
)
def test_what_is_listed_is_refused(listed: str, host: str) -> None:
    """Under any of its names, and whatever else is said."""
    with pytest.raises(HarnessError, match="is production: `production` lists"):
        check_not_production("the server", host, production=[listed], not_production=["*"])


@pytest.mark.parametrize("listed", ["10.2.0.0/16", "*.clinic.invalid", "hospital.invalid"])
def test_what_is_not_listed_passes(listed: str) -> None:
    """An entry means what it says, and no more."""
    check_not_production("the server", "10.1.2.3", production=[listed])
    check_not_production("the server", "db.hospital.invalid", production=[listed])
