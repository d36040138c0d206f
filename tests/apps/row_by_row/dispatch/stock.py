"""Stock keeping, by SQLAlchemy."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import ForeignKey, create_engine, delete, event, select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import NullPool

from dispatch.faults import DispatchError, PassingError, patient

STALLED = 2.5
PASSING = ("08", "40001", "40P01", "53", "55P03", "57P0")
FIRST = 500


class Base(DeclarativeBase):
    """The tables of this job."""


class Order(Base):
    """An order that was taken."""

    __tablename__ = "orders"
    order_id: Mapped[int] = mapped_column(primary_key=True)
    ward: Mapped[str]
    lines: Mapped[int]
    acknowledged: Mapped[bool] = mapped_column(default=False)


class Line(Base):
    """One drug of an order."""

    __tablename__ = "order_lines"
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.order_id"), primary_key=True)
    drug: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[int]


class Stock:
    """The database of one run; each unit of work has a connection and a transaction to itself."""

    def __init__(self) -> None:
        self._engine = create_engine(
            os.environ["STOCK_DB"],
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"connect_timeout": 2},
        )
        event.listen(self._engine, "do_connect", _watched)

    @patient
    def take(self, order: dict[str, Any]) -> None:
        """Write an order with its lines; one that is there has been taken before."""
        with self._unit("write an order") as session:
            if session.get(Order, order["id"]) is not None:
                return
            lines = order["lines"]
            session.add(Order(order_id=order["id"], ward=order["ward"], lines=len(lines)))
            session.commit()
            for line in lines:
                session.add(Line(order_id=order["id"], **line))
                session.commit()

    @patient
    def not_acknowledged(self) -> list[int]:
        """Return the orders of which the pharmacy was not told."""
        with self._unit("read orders") as session:
            wanted = select(Order.order_id).where(Order.acknowledged.is_(False)).order_by(Order.order_id)
            return list(session.scalars(wanted))

    @patient
    def acknowledged(self, order: int) -> None:
        """Remember that the pharmacy was told."""
        with self._unit("mark an order") as session:
            session.execute(update(Order).where(Order.order_id == order).values(acknowledged=True))

    @patient
    def cancel(self) -> None:
        """Take out all orders of the pharmacy's new system, which numbers from 501."""
        with self._unit("cancel orders") as session:
            session.execute(delete(Line).where(Line.order_id > FIRST))
            session.execute(delete(Order).where(Order.order_id > FIRST))

    @contextmanager
    def _unit(self, action: str) -> Iterator[Session]:
        try:
            with Session(self._engine) as session:
                yield session
                session.commit()
        except DBAPIError as error:
            raise _translated(error, action) from error
        except SQLAlchemyError as error:
            raise DispatchError("stock", action, None) from error


def _translated(error: DBAPIError, action: str) -> DispatchError:
    code = getattr(error.orig, "sqlstate", None)
    if code is None:
        said_no = any(word in str(error.orig) for word in ("authentication", "pg_hba", "does not exist"))
        return (DispatchError if said_no else PassingError)("stock", action, None)
    return (PassingError if code.startswith(PASSING) else DispatchError)("stock", action, code)


def _watched(dialect: Any, record: Any, arguments: Any, options: Any) -> Any:
    """Connect, and break the connection if it is still in use when it should long be done: libpq waits for ever."""
    connection = dialect.connect(*arguments, **options)
    line = socket.socket(fileno=os.dup(connection.fileno()))
    watch = threading.Timer(STALLED, _break, [line])
    watch.daemon = True
    watch.start()
    close = connection.close

    def close_all() -> None:
        watch.cancel()
        line.close()
        close()

    connection.close = close_all
    return connection


def _break(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
