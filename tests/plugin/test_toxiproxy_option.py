"""`--chaos-toxiproxy`: which engine carries the network faults, what the header says, and what a user sees of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.run_folder import RunFolder
from pytest_resilience.services.toxiproxy import BinaryToxiproxy
from pytest_resilience.services.toxiproxy_client import ToxiproxyClient

ROOT = Path(__file__).parents[2]
USES_ALL = """
    import psycopg2
    import pytest

    def test_handle(postgres):
        with postgres.down() as fault, pytest.raises(psycopg2.OperationalError, match="refused"):
            psycopg2.connect(postgres.dsn)
        with postgres.latency(0.01) as slow, postgres.at("Query").cut(), pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(postgres.dsn).cursor().execute("select 1")
        assert (fault.fired, slow.fired) == (True, True)
        psycopg2.connect(postgres.dsn).close()

    def test_client(toxiproxy, postgres):
        proxy = toxiproxy.get_proxy("postgres")
        with proxy.down(), pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(postgres.dsn)
        proxy.add_toxic(type="limit_data", attributes={"bytes": 1})
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(postgres.dsn)
        proxy.destroy_toxic("limit_data_downstream")
        psycopg2.connect(postgres.dsn).close()

    def test_database_is_behind_a_password(postgres):
        import re
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(re.sub("://.*@", "://resilience:guess@", postgres.direct_dsn))
"""


@pytest.fixture
def binary() -> BinaryToxiproxy:
    """The real binary, or a skip that says how to get it."""
    try:
        return BinaryToxiproxy.find(ROOT)
    except HarnessError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def on_path(binary: BinaryToxiproxy, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real binary in a project's `.tools/bin`."""
    folder = pytester.path / ".tools" / "bin"
    folder.mkdir(parents=True)
    (folder / "toxiproxy-server").symlink_to(binary.path)


@pytest.fixture
def foreign(binary: BinaryToxiproxy) -> Iterator[ToxiproxyClient]:
    """A Toxiproxy that somebody else runs and uses."""
    run = RunFolder.make()
    _, address = binary.start(run, "foreign", None)
    client = ToxiproxyClient(address.host, address.port)
    client.create_proxy("postgres", "127.0.0.1:1")
    yield client
    run.end()


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_binary(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """Handles and client work as with our engine, in one process and in several, and the header says who."""
    pytester.makepyfile(USES_ALL)
    pytester.makeini("[pytest]\nfilterwarnings =\n    error\n")
    result = pytester.runpytest_subprocess("--chaos", "--chaos-toxiproxy=binary", *workers)

    result.assert_outcomes(passed=3)
    result.stdout.re_match_lines([r"resilience: .*, Toxiproxy binary \d+\.\d+\.\d+, seed \d+"])


def test_url(pytester: pytest.Pytester, foreign: ToxiproxyClient) -> None:
    """A Toxiproxy that runs already is used under names of ours, and left as it was."""
    before = foreign.proxies()
    address = f"http://127.0.0.1:{foreign.port}"
    pytester.makepyfile(USES_ALL)
    result = pytester.runpytest_subprocess("--chaos", f"--chaos-toxiproxy={address}")

    result.assert_outcomes(passed=3)
    result.stdout.re_match_lines([rf"resilience: .*, Toxiproxy {address} \d+\.\d+\.\d+, seed \d+"])
    assert foreign.proxies() == before


CRASHES = """
    import os
    import signal
    from pathlib import Path

    import psycopg2

    def crash(sandbox):
        guardian = sandbox.toxiproxy()._child.pid
        (pid,) = Path(f"/proc/{guardian}/task/{guardian}/children").read_text().split()
        os.kill(int(pid), signal.SIGKILL)

    def test_survives(postgres, resilience_sandbox):
        with postgres.latency(0.01):
            psycopg2.connect(postgres.dsn).close()
            crash(resilience_sandbox)
        psycopg2.connect(postgres.dsn).close()

    def test_red(postgres, resilience_sandbox):
        with postgres.latency(0.01, must_fire=False):
            crash(resilience_sandbox)
        assert False
"""


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_replacement_is_told(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """A test survives that Toxiproxy crashes or hangs, also where warnings are errors; the reason is told."""
    pytester.makepyfile(CRASHES)
    pytester.makeini("[pytest]\nfilterwarnings =\n    error\n")
    result = pytester.runpytest_subprocess("--chaos", "--chaos-toxiproxy=binary", *workers)

    result.assert_outcomes(passed=1, failed=1, warnings=2)
    result.stdout.re_match_lines(
        [
            r"-+ resilience: log of Toxiproxy -+",
            r"pytest-resilience: Toxiproxy was killed and replaced: .* gave no answer to DELETE .*",
            r'pytest --resilience-chaos --chaos-seed=\d+ --chaos-toxiproxy=binary ".*::test_red"',
            r"=+ warnings summary =+",
            r".*ToxiproxyReplacedWarning: Toxiproxy was killed and replaced: .* gave no answer to DELETE .*",
        ]
    )


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("binary", "*no toxiproxy-server*.tools/bin/toxiproxy-server*make toxiproxy*"),
        ("http://127.0.0.1:1", "*Toxiproxy at 127.0.0.1:1 gave no answer to GET /version*"),
        ("http://127.0.0.1:1/x", "*is 'http://127.0.0.1:1/x': it is auto, embedded, binary, docker, or *"),
        ("cloud", "*--chaos-toxiproxy: invalid choice: 'cloud'*docker*http://127.0.0.1:8474*"),
    ],
)
def test_engine_that_cannot_be_had(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, option: str, words: str
) -> None:
    """It is a usage error, exit status 4, before anything starts."""
    monkeypatch.setenv("PATH", "/nowhere")
    pytester.makepyfile("def test(): pass")
    result = pytester.runpytest_subprocess("--chaos", f"--chaos-toxiproxy={option}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([words])


def test_help_names_all(pytester: pytest.Pytester) -> None:
    """The help shows every choice."""
    result = pytester.runpytest_subprocess("--help")

    result.stdout.fnmatch_lines(["*--chaos-toxiproxy={auto,embedded,binary,docker,URL}"])
