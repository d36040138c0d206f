"""What a checkpoint is: an operation's id and its state, one JSON object; and what a store of them must do.

There are two stores: `CheckpointManager` keeps files, `PostgresCheckpointStore` rows, which can be written in
the same transaction as the work that they speak of.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from typing import Any, Protocol, TypeAlias

from pytest_resilience.errors import FatalError

State: TypeAlias = dict[str, Any]

LONGEST_ID = 200
"""Bytes of UTF-8: file systems allow 255 for a name, and a copy's name adds version and checksum."""

_PLAIN = re.compile(rf"[A-Za-z0-9_-][A-Za-z0-9_.-]{{0,{LONGEST_ID - 1}}}").fullmatch
"""What nearly every id is; the others are looked at letter by letter."""
_JSON = json.JSONEncoder(allow_nan=False)
_CONTAINERS = (dict, list, tuple)


class CheckpointStore(Protocol):
    """What an operation needs of the place where its checkpoints are kept."""

    def save_checkpoint(self, operation_id: str, state: State) -> None:
        """Make `state` the operation's checkpoint; when this returns it survives a crash."""

    def load_checkpoint(self, operation_id: str) -> State | None:
        """Return the operation's last good state, or None when it has no checkpoint."""

    def delete_checkpoint(self, operation_id: str) -> None:
        """Forget the operation; safe to call when it has no checkpoint."""


class CheckpointRefusedError(FatalError, ValueError):
    """Say that an operation id or a state cannot be kept as it is; nothing was changed."""


class CheckpointConflictError(FatalError):
    """Say that another writer has this checkpoint; nothing was changed."""


def checked_id(operation_id: str) -> str:
    """Return an operation id that names one file inside one folder, or refuse it.

    Raises:
        CheckpointRefusedError: it is empty, too long, or could mean another place or another file.
    """
    fault = _fault_of(operation_id)
    if fault is not None:
        raise CheckpointRefusedError(
            f"operation id {operation_id!r} cannot name a checkpoint: it {fault}; "
            "use letters, digits, '-', '_' and '.', for example 'ingest-icustays'"
        )
    return operation_id


def _fault_of(operation_id: object) -> str | None:
    if not isinstance(operation_id, str):
        return f"is a {type(operation_id).__name__}, not a string"
    if _PLAIN(operation_id):
        return None
    if not operation_id.strip():
        return "is empty"
    if operation_id.startswith("."):
        return "begins with a dot"
    if any(character in "/\\" or unicodedata.category(character)[0] == "C" for character in operation_id):
        return "contains a path separator or a character that cannot be seen"
    length = len(operation_id.encode())
    return f"is {length} bytes long (at most {LONGEST_ID})" if length > LONGEST_ID else None


def same_file_name(one: str, other: str) -> bool:
    """Tell whether some file systems take both names for one (they ignore case, or compose accents)."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def encoded(operation_id: str, state: State) -> bytes:
    """Return the state as JSON that loads as an equal object, or refuse it.

    Raises:
        CheckpointRefusedError: the state is not a dict, or holds what JSON cannot.
    """
    try:
        data = _JSON.encode(state).encode()
        _refuse_what_json_changes(state)
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointRefusedError(
            f"the state of operation {operation_id!r} is not plain JSON ({error}); convert it first, "
            "for example a datetime with .isoformat()"
        ) from error
    return data


def _refuse_what_json_changes(state: object) -> None:
    """Refuse a state that is no object, and keys that would come back as strings, 1 as "1"."""
    if not isinstance(state, dict):
        raise TypeError(f"it is a {type(state).__name__}, not a dict")
    containers: list[Any] = [state]
    for container in containers:  # grows while it is gone through
        members = container
        if isinstance(container, dict):
            for key in container:
                if not isinstance(key, str):
                    raise TypeError(f"key {key!r} is a {type(key).__name__}, not a string")
            members = container.values()
        for member in members:
            if isinstance(member, _CONTAINERS):
                containers.append(member)  # noqa: PERF401 - a generator costs more than the few that there are


def decoded(data: bytes) -> State:
    """Return the state that these bytes hold.

    Raises:
        ValueError: they are not one JSON object.
    """
    state = json.loads(data)
    if not isinstance(state, dict):
        raise ValueError(  # noqa: TRY004 - the bytes are wrong, not the argument
            f"expected a JSON object, found a {type(state).__name__}"
        )
    return state


def checksum(data: bytes) -> str:
    """Return what tells these bytes from damaged ones: half of their SHA-256, in hex."""
    return hashlib.sha256(data).hexdigest()[:32]
