"""The names that a message trigger may have: PostgreSQL's command tags, and its protocol's messages."""

from __future__ import annotations

import difflib
import re

from pytest_resilience.proxy.wire.postgres.names import TRIGGERS

_SYNONYMS = {"END": "COMMIT", "ABORT": "ROLLBACK", "START TRANSACTION": "BEGIN", "START": "BEGIN"}
_VERBS = frozenset(
    re.findall(
        r"[A-Z]+",
        """
    ALTER ANALYZE BEGIN CALL CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY CREATE DEALLOCATE DECLARE
    DELETE DISCARD DO DROP EXECUTE EXPLAIN FETCH GRANT IMPORT INSERT LISTEN LOAD LOCK MERGE MOVE NOTIFY
    PREPARE REASSIGN REFRESH REINDEX RELEASE RESET REVOKE ROLLBACK SAVEPOINT SECURITY SELECT SET SHOW
    TRUNCATE UNLISTEN UPDATE VACUUM
    """,
    )
)


def canonical_message(name: str) -> str:
    """Return the one name of a command tag or a protocol message.

    Protocol messages are written as the documentation does (`Query`), tags in any case (`commit`).

    Raises:
        ValueError: there is no such message.
    """
    __tracebackhide__ = True
    if name in TRIGGERS:
        return name
    tag = " ".join(name.upper().split())
    tag = _SYNONYMS.get(tag, tag)
    if tag.split(" ", 1)[0] in _VERBS:
        return tag
    by_small_letters = {known.lower(): known for known in TRIGGERS}
    if name.lower() in by_small_letters:
        return by_small_letters[name.lower()]
    close = difflib.get_close_matches(name, TRIGGERS, n=1)
    close = close or difflib.get_close_matches(tag, sorted(_VERBS), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "; give a command tag (COMMIT) or a message (Query)"
    raise ValueError(f"there is no PostgreSQL message {name!r}{hint}")
