"""TLS ends at the proxy, so that messages are seen although the client insists on encryption."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import asyncpg
import httpx
import psycopg
import psycopg2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from pytest_resilience.services.toxiproxy_client import EngineError


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate for this machine's loopback address, signed by itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, secret.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    key.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, key


@pytest.fixture
def secure(warehouse, certificate):
    """A warehouse whose proxy speaks TLS."""
    identity = {"certificate": str(certificate[0]), "key": str(certificate[1])}
    warehouse.client.call("PUT", warehouse.path, {"tls": identity})
    return warehouse


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full", "prefer", "disable"])
def test_sslmode(secure, certificate, mode):
    """Every mode of libpq works, and messages are struck in each."""
    dsn = f"{secure.dsn}?sslmode={mode}&sslrootcert={certificate[0]}"
    secure.fault("error", {"message": "INSERT"}, sqlstate="40001")
    with psycopg.connect(dsn) as connection:
        with pytest.raises(psycopg.errors.SerializationFailure):
            connection.execute("insert into t values (1)")
        connection.rollback()
        encrypted = connection.pgconn.ssl_in_use

    assert bool(encrypted) is (mode != "disable")


def test_direct_negotiation(secure, certificate):
    """A client that begins with TLS at once is understood."""
    dsn = f"{secure.dsn}?sslmode=verify-ca&sslrootcert={certificate[0]}&sslnegotiation=direct"
    if psycopg.pq.version() < 170000:
        pytest.skip("this libpq is older than 17 and always asks first")
    with psycopg.connect(dsn) as connection:
        answer = connection.execute("select 1").fetchone()

    assert answer == (1,)


def test_commit_is_lost_within_tls(secure):
    """A cut at COMMIT's answer ends the encrypted connection, and all is there."""
    with psycopg.connect(f"{secure.dsn}?sslmode=require") as connection:
        secure.fault("cut", {"message": "COMMIT", "side": "reply"})
        connection.execute("insert into t values (1)")
        with pytest.raises(psycopg.OperationalError):
            connection.commit()

    assert secure.rows == [1]


def test_asyncpg_insists_on_tls(secure, certificate):
    """Asyncpg's handshake on an event loop works as well, with a large result."""
    context = ssl.create_default_context(cafile=certificate[0])

    async def read() -> int:
        connection = await asyncpg.connect(secure.dsn, ssl=context)
        try:
            return len(await connection.fetch("select repeat('x', 1000) from generate_series(1, 5000)"))
        finally:
            await connection.close()

    assert asyncio.run(read()) == 5000


def test_without_a_certificate_the_answer_is_no(warehouse):
    """A proxy that has no certificate refuses encryption, and the client decides."""
    with pytest.raises(psycopg2.OperationalError, match="does not support SSL"):
        psycopg2.connect(warehouse.dsn, sslmode="require")
    with (
        warehouse.connect(sslmode="prefer", gssencmode="disable") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("select 1")
        row = cursor.fetchone()

    assert row == (1,)
    assert "SSLRequest" in [entry["message"] for entry in warehouse.trace]


def test_gss_is_refused(warehouse):
    """Encryption by GSS is refused, and what follows is understood."""
    with warehouse.raw(before=b"\x00\x00\x00\x08\x04\xd2\x16\x30") as client:
        answer = [kind for kind, _ in client.query("select 1")]

    assert client.before == b"N"
    assert answer == [b"T", b"D", b"C", b"Z"]


def test_https_website(website, certificate):
    """An HTTP proxy with a certificate serves https, and strikes requests."""
    identity = {"certificate": str(certificate[0]), "key": str(certificate[1])}
    website.client.call("PUT", website.path, {"tls": identity})
    website.scheme = "https"
    website.fault("respond", {"request": "GET /json"}, status=418)
    context = ssl.create_default_context(cafile=certificate[0])
    with httpx.Client(verify=context) as client:
        statuses = [client.get(website.url("/json")).status_code for _ in range(2)]
        body = client.get(website.url("/long")).content

    assert statuses == [418, 200]
    assert body == b"x" * 1000


@pytest.fixture
def https_upstream(website, certificate) -> Iterator[str]:
    """The address of a proxy whose server is one that speaks TLS: the website behind its own proxy."""
    identity = {"certificate": str(certificate[0]), "key": str(certificate[1])}
    website.client.call("PUT", website.path, {"tls": identity})
    address = website.client.create_proxy("front", f"127.0.0.1:{website.port}")
    yield address
    website.client.delete_proxy("front")


@pytest.mark.parametrize(
    ("trust", "status"),
    [
        ({"verify": False}, 200),
        ({"ca": "ours"}, 200),
        ({"ca": "ours", "server_name": "elsewhere"}, None),
        ({}, None),
    ],
)
def test_https_upstream(website, https_upstream, certificate, trust, status):
    """A server behind TLS is reached if its certificate is trusted, and its Host can be another."""
    if "ca" in trust:
        trust = {**trust, "ca": str(certificate[0])}
    website.client.call(
        "PUT", "/resilience/proxies/front", {"protocol": "http", "upstream_tls": trust, "host": "api.example"}
    )
    if status is None:
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"http://{https_upstream}/json")
    else:
        assert httpx.get(f"http://{https_upstream}/json").status_code == status


def test_broken_certificate_is_refused(warehouse, tmp_path):
    """A file that is no certificate, or that is not there, is refused at once."""
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    for files in (
        {"certificate": str(nothing), "key": str(nothing)},
        {"certificate": "/no/file", "key": "/no/file"},
    ):
        with pytest.raises(EngineError, match="status 400"):
            warehouse.client.call("PUT", warehouse.path, {"tls": files})
