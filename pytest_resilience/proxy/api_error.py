"""The errors that the API answers with; texts and codes are Toxiproxy's."""

from __future__ import annotations


class ApiError(Exception):
    """Answer a request with an error.

    Args:
        message: the text that clients show.
        status: the status code.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def bad_body(reason: object) -> ApiError:
    """Say what is wrong with a body."""
    return ApiError(f"bad request body: {reason}", 400)


def missing_field(field: str) -> ApiError:
    """Say which field is missing."""
    return ApiError(f"missing required field: {field}", 400)


def proxy_not_found() -> ApiError:
    """Say that there is no such proxy."""
    return ApiError("proxy not found", 404)


def proxy_exists() -> ApiError:
    """Say that the name is taken."""
    return ApiError("proxy already exists", 409)


def invalid_stream() -> ApiError:
    """Say that a stream is neither of the two."""
    return ApiError("stream was invalid, can be either upstream or downstream", 400)


def invalid_toxic_type() -> ApiError:
    """Say that there is no such type."""
    return ApiError("invalid toxic type", 400)


def toxic_exists() -> ApiError:
    """Say that the name is taken."""
    return ApiError("toxic already exists", 409)


def toxic_not_found() -> ApiError:
    """Say that there is no such toxic."""
    return ApiError("toxic not found", 404)
