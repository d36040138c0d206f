"""Take the dispatched orders out again: python -m dispatch.cancel."""

import logging
import sys

from dispatch import lines
from dispatch.faults import DispatchError
from dispatch.stock import Stock

log = logging.getLogger("dispatch")


def main() -> int:
    """Cancel; return the exit status."""
    lines.set_up()
    try:
        Stock().cancel()
    except DispatchError as error:
        log.error("%s; see runbooks/stock.md, then start it again", error, extra={"about": error})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
