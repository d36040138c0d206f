"""What is changed inside a Python workload, seen from the run: its plan, orders at any time, and what it reports."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import shlex
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pytest_resilience.chaos.workload.inside.orders import FIRST_BUDGET, GENERATION, JUMP, SIZE, SLOTS
from pytest_resilience.errors import HarnessError

BOOTSTRAP = Path(__file__).parent / "inside" / "bootstrap"
PLAN = "RESILIENCE_INSIDE"
Decision: TypeAlias = Literal["continue", "kill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tweaks:
    """What is changed inside a Python workload from its start.

    Args:
        time_scale: how much faster its clocks and waits run.
        pin_random: the `random` module answers its midpoint.
        control: its disk, wall clock and file events obey orders at any time.
    """

    time_scale: float = 1.0
    pin_random: bool = False
    control: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.time_scale < float("inf"):
            raise ValueError(f"time_scale is {self.time_scale!r}: it has to be above 0")

    @property
    def wanted(self) -> bool:
        """Whether anything is changed at all."""
        return self != Tweaks()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEvent:
    """A step on a file below the working folder.

    Args:
        pid: the process that does it.
        what: the function and the path, for example `write checkpoints/x.json` or `rename a -> b`.
        when: `before` or `after` the step.
        number: from 1, counting each step once, over all restarts.
    """

    pid: int
    what: str
    when: Literal["before", "after"]
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerReceipt:
    """The proof that a fault inside the process fired.

    Args:
        at: the moment of CLOCK_MONOTONIC.
        kind: `disk_full` or `clock_jump`.
        pid: in which process.
        order: which order, as `disk_full()` returned it.
        path: the file that could not be written.
    """

    at: float
    kind: str
    pid: int
    order: int | None = None
    path: str | None = None


class Control:
    """The harness's side of the changes in one workload; it serves all its processes and restarts.

    Args:
        tweaks: what is changed.
        private: a folder that only we can look into.
        folder: the working folder.
        began: CLOCK_MONOTONIC's moment from which time runs faster, for all its processes.
        kill: kills the workload when a file event's callback says so.
        imports: the file in which the process leaves the names of the modules that it loaded.
    """

    def __init__(
        self,
        tweaks: Tweaks,
        *,
        private: Path,
        folder: Path,
        began: float,
        kill: Callable[[], None],
        imports: Path | None = None,
    ) -> None:
        self.receipts: list[InnerReceipt] = []
        self.escaped: list[str] = []
        self.failures: list[str] = []
        self.hellos: set[int] = set()
        self._kill = kill
        self._lock = threading.Lock()
        self._asked: Callable[[FileEvent], Decision] | None = None
        self._steps = 0
        self._disk: list[dict[str, Any]] = []
        self._orders = private / "orders.json"
        self._page = _new_page(private / "page")
        self._folder = folder.resolve()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(private / "desk"))
        self._socket.listen(64)
        self._plan = private / "plan.json"
        _write(
            self._plan,
            {
                "time_scale": tweaks.time_scale,
                "pin_random": tweaks.pin_random,
                "control": tweaks.control,
                "monotonic": began,
                "wall": time.time() - (time.monotonic() - began),
                "page": str(private / "page"),
                "orders": str(self._orders),
                "desk": str(private / "desk"),
                "folder": str(self._folder),
                "imports": None if imports is None else str(imports),
            },
        )
        threading.Thread(target=self._serve, name="workload-control", daemon=True).start()

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return an environment in which Python changes itself at its start."""
        path = given.get("PYTHONPATH")
        ours = str(BOOTSTRAP) if not path else f"{BOOTSTRAP}{os.pathsep}{path}"
        return {**given, "PYTHONPATH": ours, PLAN: str(self._plan)}

    def clock_jump(self, by: float) -> None:
        """Move its wall clock by so many seconds from now on; its other clocks do not notice."""
        with self._lock:
            offset = struct.unpack_from("d", self._page, JUMP * 8)[0]
            struct.pack_into("d", self._page, JUMP * 8, offset + by)

    def disk_full(self, path: str | Path, allowed: int) -> int:
        """From now on only so many bytes may still be written below a path; return the order's number.

        Args:
            path: a file or a folder, relative to the working folder.
            allowed: bytes.

        Raises:
            HarnessError: more orders than fit.
        """
        if allowed < 0:
            raise ValueError(f"bytes is {allowed!r}: it cannot be negative")
        with self._lock:
            slot = len(self._disk)
            if FIRST_BUDGET + slot >= SLOTS:
                raise HarnessError(f"disk_full was ordered {slot} times in one run, which is the most")
            struct.pack_into("q", self._page, (FIRST_BUDGET + slot) * 8, allowed)
            place = str((self._folder / path).resolve())
            self._disk.append({"id": slot, "slot": slot, "path": place, "healed": False})
            self._tell()
        return slot

    def heal_disk(self, order: int) -> None:
        """Give the space back; safe to call twice."""
        with self._lock:
            self._disk[order]["healed"] = True
            self._tell()

    def file_events(self, callback: Callable[[FileEvent], Decision] | None) -> None:
        """Ask before and after each step on a file below the working folder; none stops asking."""
        with self._lock:
            self._asked = callback
            self._tell()

    def _tell(self) -> None:
        live = [order for order in self._disk if not order["healed"]]
        _write(self._orders, {"disk_full": live, "file_events": self._asked is not None})
        generation = struct.unpack_from("q", self._page, GENERATION * 8)[0]
        struct.pack_into("q", self._page, GENERATION * 8, generation + 1)

    def close(self) -> None:
        """Answer nobody any more; safe to call twice."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._socket.accept()
                threading.Thread(
                    target=self._answer, args=(caller,), name="workload-answer", daemon=True
                ).start()

    def _answer(self, caller: socket.socket) -> None:
        with caller, contextlib.suppress(OSError, ValueError), caller.makefile("rb") as lines:
            message = json.loads(lines.readline())
            if "event" in message and self._is_fatal(message):
                self._kill()
                return
            self._note(message)
            caller.sendall(b"{}\n")

    def _is_fatal(self, message: dict[str, Any]) -> bool:
        with self._lock:
            asked = self._asked
            self._steps += message["when"] == "before"
            number = self._steps
        event = FileEvent(pid=message["pid"], what=message["event"], when=message["when"], number=number)
        return asked is not None and asked(event) == "kill"

    def _note(self, message: dict[str, Any]) -> None:
        with self._lock:
            if "hello" in message:
                self.hellos.add(message["pid"])
                self.failures += message["failures"]
            if "escaped" in message and message["escaped"] not in self.escaped:
                self.escaped.append(message["escaped"])
            if "receipt" in message:
                self.receipts.append(
                    InnerReceipt(
                        at=time.monotonic(),
                        kind=message["receipt"],
                        pid=message["pid"],
                        order=message.get("order"),
                        path=message.get("path"),
                    )
                )


def why_not(command: tuple[str, ...]) -> str:
    """Return the likely reason why a process that has started never reported its changes."""
    name = Path(command[0]).name
    if not name.startswith(("python", "pypy")):
        return f"no Python reported from {shlex.join(command)!r}; only Python workloads can be changed inside"
    for argument in command[1:]:
        if not argument.startswith("-") or argument in {"-m", "-c"}:
            break
        if not argument.startswith("--") and set(argument[1:]) & set("IES") and argument[1] not in "XW":
            return f"it runs with {argument}, so that Python reads neither PYTHONPATH nor sitecustomize"
    return "Python started without our sitecustomize; does something on the way reset PYTHONPATH?"


def _new_page(path: Path) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.ftruncate(descriptor, SIZE)
        return mmap.mmap(descriptor, SIZE)
    finally:
        os.close(descriptor)


def _write(path: Path, content: dict[str, Any]) -> None:
    """Replace a file that only we can read, so that a reader sees the old or the new one."""
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(content, stream)
    new.replace(path)
