"""Files that took the place of others before they were on disk: no kill shows it, but a loss of power does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_WRITES = frozenset({"write", "pwrite", "writev", "pwritev", "sendfile", "copy_file_range"})
_SYNCS = frozenset({"fsync", "fdatasync"})
_RENAMES = frozenset({"rename", "replace"})


def unsynced(steps: Iterable[str]) -> Iterator[str]:
    """Yield, in words and once each, the files that were renamed after they were written and before they were synced.

    Args:
        steps: what was done, in order: `write state/x.new`, `fsync state/x.new`, `rename state/x.new -> state/x`.
    """
    written: set[str] = set()
    told: set[str] = set()
    for step in steps:
        what, _, path = step.partition(" ")
        if what in _WRITES:
            written.add(path)
        elif what in _SYNCS:
            written.discard(path)
        elif what in _RENAMES:
            source, _, target = path.partition(" -> ")
            if source in written and target not in told:
                told.add(target)
                yield (
                    f"{target} was written to {source} and renamed without an fsync: after a loss of power, which no "
                    "kill stands for, it may be empty; sync the file before it is renamed, and its folder after that"
                )
            written.discard(source)
