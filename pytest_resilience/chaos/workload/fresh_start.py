"""Make a fork of the zygote what a fresh interpreter is at the begin of `python -m module` or `python script.py`."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
import types
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).parent
MOST_DESCRIPTORS = 4096

Main = Callable[[], None]


def become(charge: dict[str, Any], path: list[str], done: int) -> Main:
    """Take the session, signals, output, folder, environment and path of a charge; return what is to be run.

    Args:
        charge: as a supervisor has it, with `program`: `module` or `script`, and `arguments`.
        path: the interpreter's own `sys.path`.
        done: the pipe that takes an error's number and file name.
    """
    try:
        os.setsid()
        _reset_signals()
        _take_output(charge)
        os.chdir(charge["cwd"])
    except OSError as error:
        os.write(done, f"{error.errno} {error.filename or ''}".encode())
        os._exit(127)
    os.closerange(3, done)
    os.closerange(done + 1, MOST_DESCRIPTORS)
    _take_environment(charge["env"])
    run = _program(charge["command"], charge["program"], path)
    os.close(done)
    return run


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _take_output(charge: dict[str, Any]) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(charge[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)


def _take_environment(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()  # it does not notice a fork; the standard library's generator does


def _program(command: list[str], program: dict[str, Any], path: list[str]) -> Main:
    script = None if "module" in program else os.path.abspath(program["script"])  # noqa: PTH100
    first = os.getcwd() if script is None else str(Path(script).resolve().parent)  # noqa: PTH109
    given = [os.path.abspath(part) for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]  # noqa: PTH100
    sys.path[:] = list(dict.fromkeys([*([] if sys.flags.safe_path else [first]), *given, *path]))
    sys.orig_argv = list(command)
    sys.argv = [program.get("script", "-m"), *program["arguments"]]
    importlib.invalidate_caches()
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = sys.modules["builtins"]
    sys.modules["__main__"] = main
    return lambda: _run(main, script, program)


def _run(main: types.ModuleType, script: str | None, program: dict[str, Any]) -> None:
    _change_inside()
    if script is None:
        import runpy  # noqa: PLC0415 - as `python -m` does

        runpy._run_module_as_main(program["module"])  # type: ignore[attr-defined]  # noqa: SLF001 - what -m runs
        return
    try:
        source = Path(script).read_bytes()
    except OSError as error:
        text = f"[Errno {error.errno}] {error.strerror}"
        sys.stderr.write(f"{sys.executable}: can't open file {script!r}: {text}\n")
        sys.exit(2)
    main.__dict__.update(__file__=script, __cached__=None, __loader__=SourceFileLoader("__main__", script))
    exec(compile(source, script, "exec", dont_inherit=True), main.__dict__)  # noqa: S102 - this is the workload


def _change_inside() -> None:
    """Do what `sitecustomize` does in a fresh start, where something is to be changed."""
    plan = os.environ.get("RESILIENCE_INSIDE")
    if plan is not None:
        bootstrap = str(HERE / "inside" / "bootstrap")
        sys.path[:] = [path for path in sys.path if path != bootstrap]
        load_inside().start(plan)


def load_inside() -> Any:
    """Return the part that changes a process from inside, loaded under its own name."""
    name = "_resilience_inside"
    if name not in sys.modules:
        folder = HERE / "inside"
        spec = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
        module = module_from_spec(spec)  # type: ignore[arg-type]
        sys.modules[name] = module
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    return importlib.import_module(f"{name}.start")


def run_to_the_end(run: Main) -> NoReturn:
    """Run a workload as the interpreter would: a traceback is without our frames, the exit is the usual one."""
    try:
        run()
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - what leaves a program ends it
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        sys.exit(1)
    sys.exit(0)
