"""The options are there for everybody, and give way to a project's own of the same name."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pytest_resilience.plugin.provenance import commit_of

COMMITTER = ("-c", "user.name=a", "-c", "user.email=a@example.org")
MARKED = """
    import pytest

    @pytest.mark.chaos
    def test_marked():
        pass

    def test_plain():
        pass
"""


def test_without_chaos_marked_tests_are_skipped_with_the_reason(pytester: pytest.Pytester) -> None:
    """Plain tests run as always; the reason says which option is missing."""
    pytester.makepyfile(MARKED)
    result = pytester.runpytest_subprocess("-rs")

    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*run with --chaos"])
    assert "resilience:" not in result.stdout.str()


@pytest.mark.parametrize("option", ["--chaos", "--resilience-chaos"])
def test_chaos_adds_marked_tests(pytester: pytest.Pytester, option: str) -> None:
    """With either name of the option both run, under a header with engines, versions and the seed."""
    pytester.makepyfile(MARKED)
    result = pytester.runpytest_subprocess(option, "--chaos-seed", "7")

    result.assert_outcomes(passed=2)
    result.stdout.re_match_lines(
        [r"resilience: PostgreSQL embedded \d+\.\d+, MLflow embedded \d.*, proxy embedded \d.*, seed 7$"]
    )


def test_marker_is_known(pytester: pytest.Pytester) -> None:
    """`--strict-markers` accepts the marker and its argument."""
    pytester.makepyfile("import pytest\n@pytest.mark.chaos(proves=['backoff'])\ndef test(): pass")

    pytester.runpytest_subprocess("--chaos", "--strict-markers").assert_outcomes(passed=1)


def test_projects_own_option_wins(pytester: pytest.Pytester) -> None:
    """A project with a `--chaos` of its own keeps it; the header says who has it, ours has a second name."""
    pytester.makeconftest(
        """
        def pytest_addoption(parser):
            parser.addoption("--chaos", action="store_true", dest="monkey")
        """
    )
    pytester.makepyfile(MARKED + "\n    def test_own(request): assert request.config.option.monkey")
    own = pytester.runpytest_subprocess("--chaos", "-rs")
    ours = pytester.runpytest_subprocess("--chaos", "--resilience-chaos")

    own.assert_outcomes(passed=2, skipped=1)
    own.stdout.fnmatch_lines(["SKIPPED*run with --resilience-chaos"])
    ours.assert_outcomes(passed=3)
    ours.stdout.fnmatch_lines(["resilience: --chaos belongs to *conftest.py; --resilience-chaos is ours"])


def test_projects_other_options_win_too(pytester: pytest.Pytester) -> None:
    """No option of ours makes a project's conftest crash."""
    pytester.makeconftest(
        """
        def pytest_addoption(parser):
            parser.addoption("--chaos-seed", default="theirs")
        """
    )
    pytester.makepyfile("def test(request): assert request.config.getoption('--chaos-seed') == 'theirs'")

    pytester.runpytest_subprocess("--chaos").assert_outcomes(passed=1)


def test_seed_comes_from_the_commit(pytester: pytest.Pytester) -> None:
    """Without a given seed, everybody who tests a commit gets the same one."""
    git = ["git", *COMMITTER]
    pytester.run("git", "init", "-q")
    pytester.run(*git, "commit", "-q", "--allow-empty", "-m", "first")
    commit = pytester.run("git", "rev-parse", "HEAD").outlines[0]
    pytester.makepyfile("def test(): pass")

    pytester.runpytest_subprocess("--chaos").stdout.fnmatch_lines(
        [f"resilience: *seed {int(commit[:8], 16)}"]
    )


def test_nonsense_is_refused(pytester: pytest.Pytester) -> None:
    """A backend that does not exist is a usage error, and says which there are."""
    result = pytester.runpytest_subprocess("--chaos", "--chaos-backend=cloud")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--chaos-backend: invalid choice: 'cloud'*embedded*"])


def test_missing_extra_is_told(pytester: pytest.Pytester) -> None:
    """`--chaos` without the extra says which command installs it, and exits 4."""
    pytester.makeconftest(
        """
        import importlib.util
        real = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name == "toxiproxy" else real(name, *rest)
        """
    )
    pytester.makepyfile("def test(): pass")
    result = pytester.runpytest_subprocess("--chaos")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(['*not installed (toxiproxy)*pip install "pytest-resilience?chaos?"*'])


def test_collecting_starts_nothing(pytester: pytest.Pytester) -> None:
    """`--collect-only` shows chaos tests without any service."""
    pytester.makepyfile("def test_lost(postgres): pass")
    result = pytester.runpytest_subprocess("--chaos", "--collect-only", "-q")

    result.stdout.fnmatch_lines(["*::test_lost"])
    assert result.ret == 0


def test_help_explains_the_options(pytester: pytest.Pytester) -> None:
    """Every option stands in the help, in a group of its own."""
    result = pytester.runpytest_subprocess("--help")

    result.stdout.fnmatch_lines(
        ["faults against real services:", "*--resilience-chaos*", "*--chaos *", "*--chaos-seed=N*"]
    )


def test_unused_plugin_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    """Whoever only has it installed loads no service, no client, no asyncio for it."""
    pytester.makepyfile(
        """
        import sys

        def test():
            heavy = {"mlflow", "psycopg2", "docker", "toxiproxy", "pytest_resilience.services",
                     "pytest_resilience.chaos", "pytest_resilience.runtime", "pytest_resilience.proxy"}
            assert heavy & set(sys.modules) == set()
        """
    )

    pytester.runpytest_subprocess("-p", "no:hypothesispytest", "-p", "no:anyio").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("testpaths", "arguments", "expected"),
    [
        ("tests", ("--chaos",), ["test_lost", "test_unit"]),
        ("tests", (), ["test_unit"]),
        ("tests scenarios", ("--chaos",), ["test_lost", "test_unit"]),
        (".", ("--chaos",), ["test_lost", "test_unit"]),
        ("", ("--chaos",), ["test_lost", "test_unit"]),
        ("tests", ("--chaos", "tests"), ["test_unit"]),
    ],
)
def test_scenarios_are_collected_beside_testpaths(
    pytester: pytest.Pytester, testpaths: str, arguments: tuple[str, ...], expected: list[str]
) -> None:
    """With `--chaos` and no path the scenarios run even where `testpaths` omits them, and run once."""
    pytester.makeini(f"[pytest]\ntestpaths = {testpaths}" if testpaths else "[pytest]")
    pytester.makepyfile(
        **{"tests/test_u": "def test_unit(): pass", "scenarios/test_s": "def test_lost(): pass"}
    )
    listed = pytester.runpytest_subprocess("--collect-only", "-q", *arguments)

    assert sorted(line.split("::")[1] for line in listed.outlines if "::" in line) == expected


@pytest.mark.parametrize(
    ("folder", "expected"), [("tests", ["test_lost", "test_unit"]), ("scenarios", ["test_lost"])]
)
def test_scenarios_are_collected_from_a_folder_beside_them(
    pytester: pytest.Pytester, folder: str, expected: list[str]
) -> None:
    """A red scenario is not passed over because somebody has changed into `tests`."""
    pytester.makeini("[pytest]")
    pytester.makepyfile(
        **{"tests/test_u": "def test_unit(): pass", "scenarios/test_s": "def test_lost(): pass"}
    )
    os.chdir(folder)
    listed = pytester.runpytest_subprocess("--collect-only", "-q", "--chaos")

    assert sorted(line.split("::")[1] for line in listed.outlines if "::" in line) == expected


def test_wrong_waivers_are_told_before_anything_runs(pytester: pytest.Pytester) -> None:
    """With file and line, and exit status 4."""
    (pytester.path / "resilience.toml").write_text('waivers = "waivers.toml"\n')
    (pytester.path / "waivers.toml").write_text('[[waiver]]\nitem = "transactons"\n')
    pytester.makepyfile("def test(): raise SystemExit('it ran')")
    result = pytester.runpytest_subprocess("--chaos", "--checklist")
    said = result.stdout.str() + result.stderr.str()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "waivers.toml:2:1: item is 'transactons': did you mean 'transactions'?" in said


@pytest.mark.parametrize("more", [(), ("-n", "1")])
def test_a_report_that_cannot_be_written_is_told_before_anything_runs(
    pytester: pytest.Pytester, more: tuple[str, ...]
) -> None:
    """With exit status 4, and not where none will be written."""
    (pytester.path / "taken").write_text("")
    pytester.makepyfile("def test(): open('it-ran', 'w')")
    options = ("--chaos-report=taken", *more)
    refused = pytester.runpytest_subprocess("--checklist", *options)
    ran = (pytester.path / "it-ran").exists()
    listed = pytester.runpytest_subprocess("--checklist", "--collect-only", *options)
    plain = pytester.runpytest_subprocess("--chaos", *options)

    assert (refused.ret, ran) == (pytest.ExitCode.USAGE_ERROR, False)
    assert "the report cannot be written to" in refused.stdout.str() + refused.stderr.str()
    assert (listed.ret, plain.ret) == (0, 0)


def test_a_report_in_no_folder_is_refused(pytester: pytest.Pytester) -> None:
    """An unset variable of a shell must not write into the project."""
    result = pytester.runpytest_subprocess("--chaos", "--chaos-report=")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--chaos-report: it names no folder"])


def test_a_verdict_is_shown_though_it_cannot_be_written(pytester: pytest.Pytester) -> None:
    """What goes wrong with the folder meanwhile is said below it, on a line of its own."""
    pytester.makepyfile("def test(): open('late', 'w')")
    result = pytester.runpytest_subprocess("--checklist", "--chaos-report=late", "-q", "--junitxml=junit.xml")

    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(
        ["*external-calls*", "*runbooks*", "resilience: no report was written: *late*name another folder"]
    )
    result.stdout.no_fnmatch_line("report: *")
    assert "resilience.gate" in (pytester.path / "junit.xml").read_text()


def test_what_is_waited_for_first_is_told(pytester: pytest.Pytester) -> None:
    """Runs of the workloads, and only where experiments follow from them."""
    (pytester.path / "resilience.toml").write_text('workloads.job.command = ["{python}", "-c", "exit(3)"]\n')
    pytester.makepyfile("def test(): pass")
    line = "resilience: each workload runs undisturbed before there are experiments on it: job"

    pytester.runpytest_subprocess("--chaos").stdout.fnmatch_lines([line])
    pytester.runpytest_subprocess("--chaos", "--chaos-explore=off").stdout.no_fnmatch_line(line)


def test_why_every_process_is_slow_to_start_is_told(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where none of them finds or leaves what is compiled."""
    (pytester.path / "resilience.toml").write_text('workloads.job.command = ["{python}", "-c", "exit(3)"]\n')
    pytester.makepyfile("def test(): pass")
    said = "resilience: PYTHONDONTWRITEBYTECODE is set and the packages are not compiled: *"
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(pytester.path / "empty"))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    pytester.runpytest_subprocess("--chaos").stdout.fnmatch_lines([said])
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE")

    pytester.runpytest_subprocess("--chaos").stdout.no_fnmatch_line(said)


def test_why_there_is_no_attestation_is_told(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report outside of the repository makes no commit dirty; what differs from it does."""
    project = pytester.mkdir("project")
    (project / "test_plain.py").write_text("def test(): pass")
    (project / ".gitignore").write_text("__pycache__/\n")
    for command in (("init", "-q"), ("add", "-A"), (*COMMITTER, "commit", "-qm", "x")):
        pytester.run("git", "-C", str(project), *command)
    os.chdir(project)
    options = ("--checklist", "--checklist-mode=warn", "--chaos-report=../outside", "-p", "no:cacheprovider")
    clean = pytester.runpytest_subprocess(*options)
    (project / "more.txt").write_text("not committed")
    dirty = pytester.runpytest_subprocess(*options)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    refused = pytester.runpytest_subprocess(*options)

    refused.stdout.fnmatch_lines(["no attestation: git refuses this folder, *safe.directory *project*"])
    clean.stdout.no_fnmatch_line("no attestation*")
    dirty.stdout.fnmatch_lines(["no attestation: files differ from the commit, see git status: more.txt"])


def test_what_the_run_itself_writes_makes_no_commit_dirty(pytester: pytest.Pytester) -> None:
    """The data of pytest-cov are no files of the project; where nobody measures, such a file is one like others."""
    pytester.makepyfile("def test(): pass")
    for command in (("init", "-q"), ("add", "-A"), (*COMMITTER, "commit", "-qm", "x")):
        pytester.run("git", *command)
    for name in (".coverage", ".coverage.host.1"):
        (pytester.path / name).write_text("")
    report = pytester.path / "resilience-report"

    assert commit_of(pytester.path, report, covered=True).dirty is False
    assert commit_of(pytester.path, report).changed == (".coverage", ".coverage.host.1")


def test_a_commit_is_told_whatever_the_locale(pytester: pytest.Pytester) -> None:
    """Git prints the folder's name in bytes that a locale of ASCII has no letters for."""
    project = pytester.mkdir("prö jekt")
    for command in (("init", "-q"), (*COMMITTER, "commit", "--allow-empty", "-qm", "x")):
        pytester.run("git", "-C", str(project), *command)
    code = (
        "from pathlib import Path; from pytest_resilience.plugin.provenance import commit_of;"
        "print(commit_of(Path.cwd(), Path.cwd() / 'report').dirty)"
    )
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=ascii_only, capture_output=True, text=True, check=False
    )

    assert (told.stdout, told.stderr) == ("False\n", "")
