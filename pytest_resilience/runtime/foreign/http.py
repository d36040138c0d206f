"""HTTP: requests, urllib3, httpx, aiohttp and urllib by kind and status (RFC 9110, section 15)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pytest_resilience.errors import Severity
from pytest_resilience.runtime.foreign.verdict import Verdict, fatal, look_up, retryable

_UNREACHED = retryable(
    "the server could not be reached, or the connection broke", "Try again; see whether the server is up."
)
_SLOW = retryable("the server did not answer in time", "Try again; see what it is busy with.")
_BROKEN = retryable("the answer was cut short", "Try again.")
_REFUSED = fatal("the request could not be made", "Correct the request or its address.")
_UNTRUSTED = fatal("the server's certificate is not trusted", "Check certificate, host name and clock.")
_NONSENSE = fatal(
    "the answer is not what was asked for", "See what the server sent, and whether it is the right one."
)

STATUSES: dict[int, Verdict] = {
    400: fatal("", "Correct the request."),
    401: fatal("", "Check the credentials."),
    403: fatal("", "Ask for the permission."),
    404: fatal("", "Check the address, and whether the thing exists."),
    408: retryable(""),
    409: fatal("", "Fetch the present state, then decide anew."),
    422: fatal("", "Correct the data."),
    425: retryable(""),
    429: retryable("", "Wait as long as it asks, and send less.", Severity.INFO),
    500: retryable("", "Try again; see the server's log.", Severity.HIGH),
    501: fatal("", "Use a server that can do this."),
    502: retryable("", "Try again; see the server behind the proxy.", Severity.HIGH),
    503: retryable("", "Try again later; see whether the server is overloaded.", Severity.HIGH),
    504: retryable("", "Try again; see the server behind the proxy.", Severity.HIGH),
    505: fatal("", "Use another version of HTTP."),
    508: fatal("", "Mend the loop."),
    511: fatal("", "Log in to the network."),
}
"""By status; what is not here counts as the first of its hundred (RFC 9110)."""

STATUS_OF: dict[str, tuple[str, ...]] = {
    "requests.exceptions.HTTPError": ("response", "status_code"),
    "httpx.HTTPStatusError": ("response", "status_code"),
    "aiohttp.client_exceptions.ClientResponseError": ("status",),
    "urllib.error.HTTPError": ("code",),
}
"""Which attribute of each library's exceptions holds the status."""

KINDS: dict[str, Verdict] = {
    "requests.exceptions.SSLError": _UNTRUSTED,
    "requests.exceptions.ConnectionError": _UNREACHED,
    "requests.exceptions.Timeout": _SLOW,
    "requests.exceptions.ChunkedEncodingError": _BROKEN,
    "requests.exceptions.ContentDecodingError": _BROKEN,
    "requests.exceptions.RetryError": _UNREACHED,
    "requests.exceptions.InvalidJSONError": _NONSENSE,
    "requests.exceptions.RequestException": _REFUSED,
    "httpx.TimeoutException": _SLOW,
    "httpx.UnsupportedProtocol": _REFUSED,
    "httpx.LocalProtocolError": _REFUSED,
    "httpx.TransportError": _UNREACHED,
    "httpx.DecodingError": _BROKEN,
    "httpx.HTTPError": _REFUSED,
    "httpx.InvalidURL": _REFUSED,
    "urllib3.exceptions.SSLError": _UNTRUSTED,
    "urllib3.exceptions.TimeoutError": _SLOW,
    "urllib3.exceptions.NewConnectionError": _UNREACHED,
    "urllib3.exceptions.ProtocolError": _UNREACHED,
    "urllib3.exceptions.ProxyError": _UNREACHED,
    "urllib3.exceptions.IncompleteRead": _BROKEN,
    "urllib3.exceptions.DecodeError": _BROKEN,
    "urllib3.exceptions.EmptyPoolError": retryable("the connection pool is exhausted"),
    "urllib3.exceptions.HTTPError": _REFUSED,
    "aiohttp.client_exceptions.ClientConnectorCertificateError": _UNTRUSTED,
    "aiohttp.client_exceptions.ClientSSLError": _UNTRUSTED,
    "aiohttp.client_exceptions.ServerTimeoutError": _SLOW,
    "aiohttp.client_exceptions.ClientConnectionError": _UNREACHED,
    "aiohttp.client_exceptions.ClientPayloadError": _BROKEN,
    "aiohttp.client_exceptions.ClientError": _REFUSED,
    "http.client.RemoteDisconnected": _UNREACHED,
    "http.client.IncompleteRead": _BROKEN,
    "http.client.HTTPException": _NONSENSE,
    "ssl.SSLCertVerificationError": _UNTRUSTED,
}
"""By class; the nearest base that is named here decides."""


def judge(error: BaseException) -> Verdict | None:
    """Return the verdict on an exception of an HTTP library."""
    path = look_up(STATUS_OF, error)
    if path is not None:
        status: Any = error
        for attribute in path:
            status = getattr(status, attribute, None)
        if isinstance(status, int):
            return by_status(status)
    return look_up(KINDS, error)


def by_status(status: int) -> Verdict:
    """Return the verdict on an HTTP status."""
    verdict = STATUSES.get(status) or STATUSES.get(status // 100 * 100) or _NONSENSE
    return Verdict(
        verdict.kind, f"HTTP status {status} {_phrase(status)}".rstrip(), verdict.advice, verdict.severity
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
