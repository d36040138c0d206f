"""Call a function again and again in one process, and write down what each call came to.

    python -m pytest_resilience.chaos.workload.call module:function --calls 50 --every 0.05 --record FILE

Runs inside the workload: standard library only, and nothing of ours is left on `sys.path`. The calls come one after the
other in one thread; one that is slower than the pace delays those after it. FILE takes a JSON line when a call begins
and another when it ends, with moments of CLOCK_MONOTONIC. The status is 1 if an exception left any call. With
`--rest FILE` it stays when all calls are done until that file, which it makes, is removed, or for 15 seconds.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LONGEST_REST, LOOK_EVERY = 15.0, 0.005
"""Seconds."""
LONGEST = 2000
"""Characters of a text that are written down."""
CODES = {
    "sqlstate": ("sqlstate", "pgcode"),
    "status": ("status_code", "status", "code"),
    "errno": ("errno",),
}
"""What tells the cause of an error, and the attributes that hold it in the libraries."""


def main(arguments: list[str]) -> int:
    """Call as told; return the status."""
    told = _parser().parse_args(arguments)
    _look_like_a_script_of_the_folder()
    function = _find(told.function)
    descriptor = os.open(told.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as record:
        calls = Calls(
            told.calls, told.every, lambda fact: record.write(json.dumps(fact).encode() + b"\n"), told.rest
        )
        return calls.run(function)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="call", description="Call a function at a fixed pace.")
    parser.add_argument("function", help="module:function")
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--every", type=float, default=0.0, help="seconds from one call to the next")
    parser.add_argument("--record", type=Path, default=Path(os.devnull))
    parser.add_argument("--rest", type=Path)
    return parser


def _look_like_a_script_of_the_folder() -> None:
    ours = str(Path(__file__).parent)
    sys.path[:] = [os.getcwd(), *(path for path in sys.path if path not in {ours, os.getcwd(), ""})]  # noqa: PTH109
    sys.argv[1:] = []


def _find(name: str) -> Callable[[], Any]:
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"{name} is {type(found).__name__}, which cannot be called")
    return found  # type: ignore[no-any-return]


class Calls:
    """A series of calls.

    Args:
        count: how many.
        every: seconds from the begin of one to the next.
        write: takes the facts.
        rest: the file that keeps it when its calls are done; none where nothing does.
    """

    def __init__(
        self, count: int, every: float, write: Callable[[dict[str, Any]], Any], rest: Path | None = None
    ) -> None:
        self._rest = rest
        self._count = count
        self._every = every
        self._write = write
        self._failed = False

    def run(self, function: Callable[[], Any]) -> int:
        """Make all calls; an async function's share one event loop."""
        if _is_async(function):
            import asyncio

            asyncio.run(self._run_async(function))
        else:
            self._run(function)
        return int(self._failed)

    def _run(self, function: Callable[[], Any]) -> None:
        for number, pause in self._paced():
            if pause > 0:
                time.sleep(pause)
            self._begin(number)
            try:
                function()
            except BaseException as error:  # noqa: BLE001 - whatever leaves a call is what is asked for
                self._raised(number, error)
            else:
                self._end(number, "ok")
        for _ in self._looks():
            time.sleep(LOOK_EVERY)

    async def _run_async(self, function: Callable[[], Any]) -> None:
        import asyncio

        for number, pause in self._paced():
            if pause > 0:
                await asyncio.sleep(pause)
            self._begin(number)
            try:
                await function()
            except BaseException as error:  # noqa: BLE001
                self._raised(number, error)
            else:
                self._end(number, "ok")
        for _ in self._looks():
            await asyncio.sleep(LOOK_EVERY)

    def _looks(self) -> Iterator[None]:
        """Yield until nobody wants it to stay."""
        if self._rest is None:
            return
        self._rest.touch()
        until = _now() + LONGEST_REST
        while self._rest.exists() and _now() < until:
            yield

    def _paced(self) -> Iterator[tuple[int, float]]:
        began = time.monotonic() - self._every
        for number in range(1, self._count + 1):
            yield number, began + self._every - time.monotonic()
            began = time.monotonic()

    def _begin(self, number: int) -> None:
        self._write({"number": number, "began": _now()})

    def _end(self, number: int, outcome: str, **facts: Any) -> None:
        self._write({"number": number, "ended": _now(), "outcome": outcome, **facts})

    def _raised(self, number: int, error: BaseException) -> None:
        if isinstance(error, SystemExit) and not error.code:
            self._end(number, "ok")
            return
        self._failed = True
        self._end(number, "raised", **described(error))
        if self._count == 1 and not isinstance(error, SystemExit):
            traceback.print_exception(type(error), error, _below_us(error))
        if isinstance(error, KeyboardInterrupt | GeneratorExit):
            raise error


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object's own async __call__
    )


def _below_us(error: BaseException) -> Any:
    return error.__traceback__.tb_next if error.__traceback__ else None


def _now() -> float:
    """Return the machine's own time, where time in this process runs faster too."""
    inside = sys.modules.get("_resilience_inside.real_time")
    return float(inside.monotonic() if inside else time.monotonic())


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it was raised from or while handling, outermost first."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)


def described(error: BaseException) -> dict[str, Any]:
    """Return what an exception tells: its classes, text, codes along its causes, and its own simple attributes."""
    errors = list(chain(error))
    return {
        "error": [f"{type(each).__module__}.{type(each).__qualname__}" for each in errors],
        "message": _text(error),
        "facts": {
            **{name: code for name, names in CODES.items() if (code := _code(errors, names)) is not None},
            "causes": [_text(each) for each in errors[1:]],
            "attributes": _attributes(error),
        },
    }


def _text(error: BaseException) -> str:
    try:
        return str(error)[:LONGEST]
    except Exception as failure:  # noqa: BLE001 - somebody's __str__
        return f"(its text cannot be had: {type(failure).__name__})"


def _code(errors: list[BaseException], names: tuple[str, ...]) -> int | str | None:
    for error in errors:
        for holder in (error, getattr(error, "response", None), getattr(error, "diag", None)):
            for name in names:
                code = getattr(holder, name, None)
                if isinstance(code, int | str) and not isinstance(code, bool):
                    return int(code) if isinstance(code, int) else code
    return None


def _attributes(error: BaseException) -> dict[str, Any]:
    simple = (str, int, float, bool, type(None))
    own = getattr(error, "__dict__", {})
    return {
        name: value[:LONGEST] if isinstance(value, str) else value
        for name, value in own.items()
        if not name.startswith("_") and isinstance(value, simple)
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
