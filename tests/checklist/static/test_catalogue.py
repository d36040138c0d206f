"""Catalogues: libraries as data, refused where they say what nobody knows."""

from __future__ import annotations

import pytest

from pytest_resilience.checklist.static import CatalogueError, analyse
from pytest_resilience.checklist.static.catalogue.load import expanded, load
from pytest_resilience.checklist.static.catalogue.names import Names


def test_braces_stand_for_several_paths():
    """One after another, also twice."""
    assert list(expanded("a.{b,c}.{x,y}")) == ["a.b.x", "a.b.y", "a.c.x", "a.c.y"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[snik]]\npaths = ['a']", "did you mean 'sink'"),
        ("[[sink]]\npaths = ['a']\nlibrary = 'x'\nservice = 'http'\nerors = []", "did you mean 'errors'"),
        ("[[sink]]\nlibrary = 'x'\nservice = 'http'", "needs paths"),
        ("[[sink]]\npaths = ['a']\nservice = 'http'", "library"),
        ("[[sink]]\npaths = ['a']\nlibrary = 'x'\nservice = 'ftp'", "'ftp'"),
        ("[[sink]]\npaths = ['a']\nlibrary = 'x'\nservice = 'http'\ndeferred = 'yes'", "deferred"),
        ("[[guard]]\nlibrary = 'x'\nkind = 'retri'", "did you mean 'retry'"),
        ("[returns]\n'a.b' = 3", "a.b"),
        ("passes = 'a'", "list"),
        ("[[guard", "not TOML"),
    ],
)
def test_what_is_not_known_is_refused(tmp_path, text, said):
    """With the file, the section and the nearest known word."""
    path = tmp_path / "ours.toml"
    path.write_text(text)

    with pytest.raises(CatalogueError, match=said) as caught:
        load([path])
    assert "ours.toml" in str(caught.value)


def test_a_catalogue_that_is_not_there_is_said(tmp_path):
    """By its path."""
    with pytest.raises(CatalogueError, match="cannot be read"):
        load([tmp_path / "none.toml"])


def test_a_library_is_added_without_code(tmp_path):
    """One file, and its calls are found."""
    (tmp_path / "ours.toml").write_text("""
library = "labkit"
service = "http"

[bases]
"labkit.LabError" = ["builtins.Exception"]

[[sink]]
paths = ["labkit.Client.{send,receive}"]
errors = ["labkit.LabError"]
timeout = "limit"
""")
    (tmp_path / "app.py").write_text(
        "import labkit\nclient = labkit.Client()\nclient.send(1)\n"
        "try:\n    client.receive(limit=3)\nexcept labkit.LabError as e:\n    print('lost', e)\n"
    )
    report = analyse(tmp_path, catalogues=[tmp_path / "ours.toml"])

    assert [(s.state, s.timeout) for s in report.sites] == [("unguarded", "missing"), ("guarded", "set")]


def test_every_error_of_a_sink_is_a_known_class():
    """A misspelled base error could never be covered by the right handler."""
    catalogue = load()
    names = Names(catalogue)
    unknown = {
        error
        for sink in catalogue.sinks.values()
        for error in (*sink.errors, *sink.also)
        if "builtins.BaseException" not in names.ancestors(error)
    }

    assert set() == unknown


def test_names_are_canonical():
    """The paths of sinks, errors and results are those that re-exports lead to."""
    catalogue = load()
    names = Names(catalogue)
    paths = {
        *catalogue.sinks,
        *catalogue.returns.values(),
        *(e for s in catalogue.sinks.values() for e in s.errors),
    }

    assert {path: names.canonical(path) for path in sorted(paths) if names.canonical(path) != path} == {}
