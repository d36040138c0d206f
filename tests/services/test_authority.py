"""The run's authority vouches for this machine's loopback addresses, to whoever trusts its bundle."""

from __future__ import annotations

import contextlib
import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest

from pytest_resilience.services.authority import authority_of
from pytest_resilience.services.run_folder import RunFolder


def handshake(run: RunFolder, name: str, cafile: str) -> None:
    """Shake hands with a server that shows the run's certificate."""
    authority = authority_of(run, {})
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(authority.certificate, authority.key)
    strict = ssl.create_default_context(cafile=cafile)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()
    with ours, theirs:
        serving = threading.Thread(target=_serve, args=(server_side, theirs))
        serving.start()
        try:
            strict.wrap_socket(ours, server_hostname=name).close()
        finally:
            ours.close()
            serving.join()


def _serve(context: ssl.SSLContext, peer: socket.socket) -> None:
    with contextlib.suppress(ssl.SSLError, OSError):  # where the client does not trust us
        context.wrap_socket(peer, server_side=True).close()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "::1"])
def test_loopback_is_vouched_for(run, name):
    """Each loopback name is accepted, strictly."""
    authority = authority_of(run, {})

    handshake(run, name, authority.bundle)
    handshake(run, name, authority.ca)


def test_nobody_else_is(run):
    """Another name is refused."""
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(run, "db.example.org", authority_of(run, {}).ca)


def test_authority_is_one_a_run(run):
    """It is made once, its files are this user's alone, and each run has another."""
    authority = authority_of(run, {})
    other = RunFolder.make()
    try:
        assert Path(authority_of(other, {}).ca).read_bytes() != Path(authority.ca).read_bytes()
    finally:
        other.end()

    assert authority_of(run, {}) == authority
    assert {stat.S_IMODE(Path(file).stat().st_mode) for file in (authority.key, authority.bundle)} == {0o600}


def test_bundle_keeps_who_was_trusted(run, tmp_path):
    """Authorities that the shell names stay trusted."""
    (tmp_path / "company.pem").write_text("the company's\n")
    authority = authority_of(run, {"REQUESTS_CA_BUNDLE": str(tmp_path / "company.pem")})

    assert Path(authority.bundle).read_text().startswith("the company's\n")
    assert Path(authority.ca).read_text() in Path(authority.bundle).read_text()
    assert set(authority.env) >= {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
