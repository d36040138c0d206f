"""Messages that wait for us: the engine holds them, we act, and then say what becomes of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.engine import EngineClient
from pytest_resilience.services.receipt_stream import ReceiptStream
from pytest_resilience.services.toxiproxy_client import EngineRefusedError

LEASE_SECONDS = 60.0
"""After which the engine delivers a held message, should we be gone."""

Decision: TypeAlias = Literal["deliver", "drop", "cut", "reset"]
Act: TypeAlias = Callable[[Mapping[str, Any]], Decision | None]
"""Called with a receipt; says what becomes of a held message, none where it waits on."""


@dataclass(slots=True)
class HeldMessages:
    """Watch the receipts of one run, and act on those that somebody waits for.

    Args:
        engine: the engine.
    """

    engine: EngineClient
    errors: list[HarnessError] = field(default_factory=list)
    _acts: dict[tuple[str, str], Act] = field(default_factory=dict)
    _stream: ReceiptStream | None = None
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _carrying: threading.RLock = field(default_factory=threading.RLock)

    def hold(self, proxy: str, when: Mapping[str, Any], act: Act, *, times: int | None = 1) -> str:
        """Hold each match of a trigger, call `act`, and do as it says; return the fault's id."""
        order = {"kind": "hold", "attributes": {"lease": LEASE_SECONDS}, "when": dict(when), "times": times}
        return self.watch(proxy, order, act)

    def watch(self, proxy: str, order: Mapping[str, Any], act: Act) -> str:
        """Arm a fault, and call `act` for each of its receipts; return the fault's id."""
        with self._lock:  # a receipt that comes before its act is known waits for it
            self._begin()
            fault = self.engine.add_fault(proxy, order)
            self._acts[proxy, fault] = act
        return fault

    def settle(self) -> None:
        """Wait until what is being done at a held message is done, and has decided what becomes of it.

        A process that is killed there has ended before that is noted: who heals the fault then would deliver the
        message, and find no receipt.
        """
        with self._carrying:
            pass

    def close(self) -> None:
        """Stop watching; safe to call twice."""
        if self._stream is not None:
            self._stream.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _begin(self) -> None:
        if self._stream is None:
            self._stream = ReceiptStream(self.engine.host, self.engine.port)
            self._thread = threading.Thread(
                target=self._follow, args=(self._stream,), name="resilience-receipts", daemon=True
            )
            self._thread.start()

    def _follow(self, stream: ReceiptStream) -> None:
        try:
            for receipt in stream:
                with self._lock:
                    act = self._acts.get((receipt["proxy"], receipt["fault"]))
                if act is not None:
                    with self._carrying:
                        self._carry_out(act, receipt)
        except HarnessError as error:
            self.errors.append(error)

    def _carry_out(self, act: Act, receipt: Mapping[str, Any]) -> None:
        try:
            decision = act(receipt)
        except HarnessError as error:
            self.errors.append(error)
            decision = "deliver"
        if receipt["hold"] is None or decision is None:
            return
        try:
            self.engine.decide(receipt["hold"], decision)
        except EngineRefusedError as error:
            if error.status != 409:  # it was closed or healed in the meantime
                self.errors.append(error)
