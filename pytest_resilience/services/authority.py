"""The run's certificate authority: what services that speak TLS to the workload show, and who vouches for it.

It is made for one run and trusted by nobody else: its key never leaves the run's folder.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from pytest_resilience.services.run_folder import RunFolder

VALID = timedelta(days=7)
SKEW = timedelta(days=1)
ADDRESSES = ("127.0.0.1", "::1")
BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""What OpenSSL (and so httpx, aiohttp, urllib), requests and curl read their authorities from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Files of the run's authority, all PEM.

    Args:
        certificate, key: what a proxy shows for this machine's loopback addresses.
        ca: the authority's own certificate.
        bundle: the system's authorities, and this one.
    """

    certificate: str
    key: str
    ca: str
    bundle: str

    @property
    def env(self) -> Mapping[str, str]:
        """What a process needs to trust it."""
        return {**dict.fromkeys(BUNDLE_VARIABLES, self.bundle), "NODE_EXTRA_CA_CERTS": self.ca}


def authority_of(run: RunFolder, shell: Mapping[str, str]) -> Authority:
    """Return the run's authority, made when it is first asked for.

    Args:
        run: whose folder keeps the files.
        shell: the environment that says which other authorities are trusted.
    """
    return Authority(**run.once("authority", lambda: _make(run.folder("authority"), shell)))


def _make(folder: Path, shell: Mapping[str, str]) -> dict[str, str]:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - an optional dependency

    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _authority_certificate(authority_key)
    certificate = _server_certificate(key, authority, authority_key)
    files = {
        "certificate": _pem(certificate),
        "key": _pem_of_key(key),
        "ca": _pem(authority),
        "bundle": _trusted(shell) + b"\n" + _pem(authority),
    }
    for name, content in files.items():
        with os.fdopen(os.open(folder / f"{name}.pem", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as stream:
            stream.write(content)
    return {name: str(folder / f"{name}.pem") for name in files}


def _authority_certificate(key: Any) -> Any:
    from cryptography import x509  # noqa: PLC0415 - an optional dependency

    name = _name("pytest-resilience, this run alone")
    return _signed(
        name,
        key,
        issuer=name,
        by=key,
        extensions=[
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (_usage(key_cert_sign=True, crl_sign=True), True),
        ],
    )


def _server_certificate(key: Any, authority: Any, authority_key: Any) -> Any:
    from cryptography import x509  # noqa: PLC0415 - an optional dependency
    from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: PLC0415 - an optional dependency

    names = [x509.DNSName("localhost"), *(x509.IPAddress(ip_address(address)) for address in ADDRESSES)]
    issuer = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return _signed(
        _name("localhost"),
        key,
        issuer=authority.subject,
        by=authority_key,
        extensions=[
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(digital_signature=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName(names), False),
            (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), False),
        ],
    )


def _signed(name: Any, key: Any, *, issuer: Any, by: Any, extensions: list[tuple[Any, bool]]) -> Any:
    from cryptography import x509  # noqa: PLC0415 - an optional dependency
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - an optional dependency

    now, public = datetime.now(UTC), key.public_key()
    builder = x509.CertificateBuilder(
        issuer, name, public, x509.random_serial_number(), now - SKEW, now + VALID
    )
    own = (x509.SubjectKeyIdentifier.from_public_key(public), False)
    for extension, critical in (own, *extensions):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(by, hashes.SHA256())


def _name(common: str) -> Any:
    from cryptography import x509  # noqa: PLC0415 - an optional dependency
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - an optional dependency

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(**granted: bool) -> Any:
    from cryptography import x509  # noqa: PLC0415 - an optional dependency

    usages = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
    more = ("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{usage: granted.get(usage, False) for usage in (*usages, *more)})


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - an optional dependency

    return bytes(certificate.public_bytes(Encoding.PEM))


def _pem_of_key(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - an optional dependency

    how = serialization.NoEncryption()
    return bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how))


def _trusted(shell: Mapping[str, str]) -> bytes:
    """Return the authorities that processes here trust so far."""
    given = [shell[name] for name in BUNDLE_VARIABLES if shell.get(name)]
    for file in (*given, ssl.get_default_verify_paths().cafile or ""):
        if Path(file).is_file():
            return Path(file).read_bytes()
    return _certifi()


def _certifi() -> bytes:
    try:
        import certifi  # noqa: PLC0415 - there where requests or httpx is
    except ImportError:
        return b""
    return Path(certifi.where()).read_bytes()
