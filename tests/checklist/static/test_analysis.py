"""Reading code: entry points, broken files, coverage, and that the same code gives the same report."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_resilience.checklist.static import EntryPoint, analyse

CALL = """
import requests


def fetch():
    return requests.get("https://x", timeout=1)
"""


def test_a_function_that_nothing_calls_is_unreached(read):
    """Nothing shows how its failure is met."""
    report = read(CALL)

    assert [site.state for site in report.sites] == ["unreached"]


@pytest.mark.parametrize(
    ("entry", "files"),
    [
        (EntryPoint(function="jobs:fetch"), {"jobs": CALL}),
        (EntryPoint(module="jobs"), {"jobs__init__": "", "jobs____main__": f"{CALL}\nfetch()\n"}),
        (EntryPoint(script="bin/run.py"), {"bin__run": f"{CALL}\nfetch()\n"}),
    ],
)
def test_entry_points_are_followed(read, entry, files):
    """A function, a module and a script."""
    names = {name.replace("jobs__init__", "jobs____init__"): text for name, text in files.items()}
    report = read(entry_points=(entry,), **names)

    assert [site.state for site in report.sites] == ["unguarded"]
    assert report.notes == ()


def test_the_path_that_shows_the_state_is_named(read):
    """From the entry point to the call."""
    report = read(f"{CALL}\n\ndef main():\n    fetch()\n\n\nmain()\n")

    assert [path.split(" ")[1] for path in report.sites[0].path] == ["app", "main", "fetch", "requests.get"]


def test_an_entry_point_that_is_not_there_is_said(read):
    """By name, and nothing else fails."""
    report = read(CALL, entry_points=(EntryPoint(function="app:fetsch"), EntryPoint(module="nowhere")))

    assert sorted(note.partition(" was")[0] for note in report.notes) == [
        "entry point 'nowhere'",
        "entry point app:fetsch",
    ]


@pytest.mark.parametrize("given", [{}, {"module": "a", "script": "b"}])
def test_an_entry_point_is_one_thing(given):
    """Neither none nor several."""
    with pytest.raises(ValueError, match="exactly one"):
        EntryPoint(**given)


def test_broken_files_are_reported_and_the_others_read(tmp_path):
    """Syntax errors, wrong encodings and null bytes are not fatal."""
    (tmp_path / "app.py").write_text(f"{CALL}\nfetch()\n")
    (tmp_path / "syntax.py").write_text("def (:\n")
    (tmp_path / "latin.py").write_bytes(b"name = '\xe9'\n")
    (tmp_path / "null.py").write_bytes(b"x = 1\0\n")
    report = analyse(tmp_path)

    assert [place.path for place in report.broken] == ["latin.py", "null.py", "syntax.py"]
    assert len(report.sites) == 1


def test_magic_lines_of_a_notebook_are_passed_over(tmp_path):
    """A notebook turned script is still read."""
    (tmp_path / "book.py").write_text(f"%matplotlib inline\n!pip install requests\n{CALL}\nfetch()\n")
    report = analyse(tmp_path)

    assert [site.place.line for site in report.sites] == [8]


@pytest.mark.parametrize(
    ("place", "package", "entry"),
    [
        ("app", "app", "app.main"),
        ("app", "app", "main"),
        ("src/app", "app", "app.main"),
        ("src/app", "src/app", "app.main"),
        ("src/app", "src/app", "src.app.main"),
        ("src/app", "src", "app.main"),
        ("services/app", "services", "app.main"),
        ("services/app", "services/app", "services.app.main"),
        ("services/app/inner", "services/app/inner", "app.inner.main"),
    ],
)
def test_a_package_bears_the_name_that_its_entry_points_use(tmp_path, place, package, entry):
    """Wherever its folder stands: else no entry point leads to its calls."""
    folder = tmp_path / place
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(CALL)
    (folder / "__init__.py").touch()
    report = analyse(tmp_path, [package], [EntryPoint(function=f"{entry}:fetch")])

    assert [site.state for site in report.sites] == ["unguarded"]


def test_packages_stay_within_their_folder(tmp_path):
    """A path that leaves it is not read."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "outside.py").write_text(f"{CALL}\nfetch()\n")
    report = analyse(inner, ["../outside.py"])

    assert report.sites == ()
    assert "was not found" in report.notes[0]


def test_what_is_not_known_is_counted(read):
    """A call whose target nobody can tell is listed, not dropped."""
    report = read("""
        def work(thing):
            thing.run()
            print("done")

        work(unknown)
    """)

    assert [place.what for place in report.unresolved] == ["thing.run"]
    assert (report.coverage.calls, report.coverage.resolved) == (3, 2)


def test_deep_code_is_survived(read):
    """Neither a long sum, nor deep recursion, nor a cycle of imports ends the reading."""
    report = read(
        f"{CALL}\nfrom other import again\nx = {' + '.join(['1'] * 600)}\n\n"
        "def down(n):\n    return down(n - 1) or fetch()\n\ndown(5)\n",
        other="import app\n\n\ndef again():\n    return app.fetch()\n",
    )

    assert [site.state for site in report.sites] == ["unguarded"]
    assert [*report.notes] == ["app.py:9: nested too deeply to be followed"]


def test_nothing_is_imported_or_run(tmp_path):
    """Code that would end the process is only read."""
    (tmp_path / "app.py").write_text(f"import os, sys\nos._exit(3)\nsys.exit(4)\n{CALL}")

    assert len(analyse(tmp_path).sites) == 1


def test_the_same_code_gives_the_same_report(labels, tmp_path):
    """Whatever the order of Python's sets."""
    for project in labels.projects("tuning"):
        labels.unpack(project, tmp_path / project.stem)
    program = (
        "import pathlib, sys; from pytest_resilience.checklist.static import analyse;"
        "print([analyse(p) for p in sorted(pathlib.Path(sys.argv[1]).iterdir())])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(outputs) == 1


@pytest.mark.parametrize(
    ("caught", "state"), [("psycopg2.OperationalError", "guarded"), ("psycopg2.DataError", "unguarded")]
)
def test_a_connection_is_guarded_by_what_it_raises(read, caught, state):
    """A connection that fails is an OperationalError, whatever else a statement may raise."""
    report = read(f"""
        import psycopg2

        def connect(dsn):
            try:
                return psycopg2.connect(dsn, connect_timeout=3)
            except {caught}:
                return None

        connect("dbname=a")
    """)

    assert [site.state for site in report.sites] == [state]


@pytest.mark.parametrize("of_request", ["request.app.state", "request.state"])
def test_what_a_web_application_keeps_is_found_where_a_request_leads_to_it(read, of_request):
    """And what a task of its own does with it is reached; another object's state is its own."""
    report = read(f"""
        import asyncio, contextlib, psycopg2
        from fastapi import FastAPI, Request

        class Store:
            def load(self):
                return psycopg2.connect("x", connect_timeout=1)

            async def poll(self):
                return psycopg2.connect("y", connect_timeout=1)

        class Machine:
            def __init__(self):
                self.state = Other()

        class Other:
            def never(self):
                return psycopg2.connect("z", connect_timeout=1)

        @contextlib.asynccontextmanager
        async def lifespan(app):
            app.state.store = Store()
            task = asyncio.create_task(app.state.store.poll())
            yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/rows")
        def rows(request: Request):
            try:
                return {of_request}.store.load()
            except psycopg2.Error:
                return []
    """)

    assert [site.state for site in report.sites] == ["guarded", "unguarded", "unreached"]
