"""Run the job: python -m dispatch."""

import logging
import sys

from dispatch import lines, pager
from dispatch.faults import DispatchError
from dispatch.pharmacy import Pharmacy
from dispatch.stock import Stock

log = logging.getLogger("dispatch")


def main() -> int:
    """Take all open orders, then acknowledge those that are not; return the exit status."""
    lines.set_up()
    pager.send_all()
    pharmacy, stock = Pharmacy(), Stock()
    try:
        for order in pharmacy.open_orders():
            stock.take(order)
        for number in stock.not_acknowledged():
            stock.acknowledged(number)
            pharmacy.acknowledge(number)
    except DispatchError as error:
        log.error("%s; see runbooks/%s.md, then start it again", error, error.service, extra={"about": error})
        pager.page(error)
        return 1
    finally:
        pharmacy.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
