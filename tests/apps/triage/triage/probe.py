"""Ask for one guideline, and say whether it came: python -m triage.probe."""

import asyncio
import sys

from triage.guidelines import Guidelines, GuidelinesError


async def main() -> int:
    """Return 0 if it came."""
    guidelines = Guidelines()
    try:
        await guidelines.advice("red")
    except GuidelinesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        await guidelines.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
