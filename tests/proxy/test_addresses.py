"""Addresses, as Go takes them apart."""

from __future__ import annotations

import asyncio
import socket

import pytest

from pytest_resilience.proxy.address import AddressError, join_address, split_address
from pytest_resilience.proxy.dial import dial
from pytest_resilience.proxy.listen import ListenError, Place, resolve_listen


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:80", ("127.0.0.1", "80")),
        (":80", ("", "80")),
        ("host:", ("host", "")),
        ("[::1]:80", ("::1", "80")),
        ("[]:80", ("", "80")),
    ],
)
def test_host_and_port(address: str, expected: tuple[str, str]) -> None:
    """An address is a host, maybe in brackets, and a port; either may be empty."""
    assert split_address(address) == expected


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "missing port in address"),
        ("host", "missing port in address"),
        ("[::1]", "missing port in address"),
        ("[::1]80", "missing port in address"),
        ("::1", "too many colons in address"),
        ("[::1]:80:1", "too many colons in address"),
        ("[::1", "missing ']' in address"),
        ("a[b:1", "unexpected '[' in address"),
        ("a]b:1", "unexpected ']' in address"),
    ],
)
def test_what_is_no_address(address: str, reason: str) -> None:
    """Others are refused in Go's words."""
    with pytest.raises(AddressError, match=reason.replace("[", r"\[")):
        split_address(address)


def test_an_address_of_version_6_is_joined_in_brackets() -> None:
    """What is joined can be split again."""
    assert split_address(join_address("::1", 5)) == ("::1", "5")


@pytest.mark.parametrize(
    "upstream",
    ["", "nonsense", "127.0.0.1:99999", "localhost:1234567", "unix:", "unix:/nowhere", "a\0b:1", "a..b:1"],
)
def test_a_server_that_cannot_be_reached_is_an_error(upstream: str) -> None:
    """Whatever stands there as a server: an error that the proxy knows, never another exception."""

    async def reach() -> None:
        with pytest.raises((OSError, ValueError)):
            await dial(asyncio.get_running_loop(), upstream)

    asyncio.run(reach())


def test_localhost_is_reached_on_either_family() -> None:
    """A server that listens on ::1 alone is found as `localhost`."""

    async def reach(port: int) -> None:
        (await dial(asyncio.get_running_loop(), f"localhost:{port}")).close()

    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        asyncio.run(reach(listener.getsockname()[1]))


def resolved(listen: str) -> Place:
    """Find where that is."""

    async def find() -> Place:
        return await resolve_listen(asyncio.get_running_loop(), listen)

    return asyncio.run(find())


@pytest.mark.parametrize("listen", [":80", "0.0.0.0:80", "[::]:80"])
def test_every_address_is_those_of_version_4_without_version_6(
    monkeypatch: pytest.MonkeyPatch, listen: str
) -> None:
    """On a machine without IPv6 a proxy for every address listens where it can."""
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    place = resolved(listen)

    assert (socket.AF_INET, "0.0.0.0:80", listen) == (place.family, place.address, place.spelling)


@pytest.mark.parametrize(
    "host", ["127.1", "127.000.000.001", "0", "*", "0x7f.1", "0x7f000001", "a..b", "a-.b"]
)
def test_what_is_neither_a_number_nor_a_name_is_not_looked_up(host: str) -> None:
    """C's short spellings of addresses are none to Go, and the name service is not asked about what is no name."""
    with pytest.raises(ListenError) as refused:
        resolved(f"{host}:80")

    assert f"lookup {host}: no such host" == str(refused.value)
