"""Ask the laboratory once, and say whether it answers: python -m risk.probe."""

import sys

from risk.labs import LabsError, latest


def main() -> int:
    """Return 0 if it answers."""
    try:
        latest(1)
    except LabsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
