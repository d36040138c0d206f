"""A server that insists on TLS: our proxy speaks it there, and the code under test needs not know."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_resilience.services.authority import authority_of
from pytest_resilience.services.postgres import PostgresAddress
from pytest_resilience.services.postgres_programs import system_account
from pytest_resilience.services.process import ChildProcess, Command, on_free_port
from pytest_resilience.services.run_folder import RunFolder

TESTS = """
    import psycopg2
    import pytest

    def test_faults(postgres):
        connection = psycopg2.connect(postgres.dsn)
        cursor = connection.cursor()
        cursor.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
        assert cursor.fetchone() == (True,)
        with postgres.at("COMMIT").cut() as fault, pytest.raises(psycopg2.OperationalError):
            cursor.execute("create table t (n int)")
            connection.commit()
        connection.close()
        assert fault.fired
"""


def programs_with_tls() -> Path:
    """Return the folder of a PostgreSQL that was built with TLS, as the embedded one is not; else skip."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    found = [*debian, *(Path(path).resolve() for path in [shutil.which("postgres")] if path)]
    if not found:
        pytest.skip("no PostgreSQL with TLS on this machine (Debian: apt-get install postgresql)")
    return found[-1].parent


@pytest.fixture(scope="module")
def run() -> Iterator[RunFolder]:
    """Whose the server is."""
    folder = RunFolder.make()
    yield folder
    folder.end()


@pytest.fixture(scope="module")
def server(run: RunFolder) -> tuple[PostgresAddress, str]:
    """A server that lets `chaos` in over TLS alone, by SCRAM, and the file of who vouches for it."""
    programs, account, authority = programs_with_tls(), system_account(), authority_of(run, {})
    folder = run.folder("tls")
    for name, source in (("certificate", authority.certificate), ("key", authority.key)):
        shutil.copy(source, folder / name)
        (folder / name).chmod(0o600)
        account.own(folder / name)
    for name in ("data", "sockets"):
        (folder / name).mkdir(mode=0o700)
        account.own(folder / name)
    data = folder / "data"
    done = account.run(
        [str(programs / "initdb"), "-D", str(data), "-U", "admin", "--auth=trust", "--no-sync"]
    )
    assert done.returncode == 0, done.stderr
    (data / "pg_hba.conf").write_text("hostssl all chaos all scram-sha-256\nhost all admin all trust\n")
    account.own(data / "pg_hba.conf")

    def start(port: int) -> PostgresAddress:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(folder / "sockets"),
            "ssl": "on",
            "ssl_cert_file": str(folder / "certificate"),
            "ssl_key_file": str(folder / "key"),
        }
        child = ChildProcess(
            "PostgreSQL",
            Command(
                arguments=[
                    *(str(programs / "postgres"), "-D", str(data)),
                    *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
                ],
                log=folder / "server.log",
                run=run,
                user=account.user,
                group=account.group,
                cwd=folder,
                stop_signal=signal.SIGINT,
            ),
        )
        address = PostgresAddress(host="127.0.0.1", port=port, user="admin", password="", version="", log="")
        child.wait_until(address.answers, timeout=60)
        return address

    address = on_free_port(start)
    with address.connect() as connection, connection.cursor() as cursor:
        cursor.execute("create role chaos login createdb password 'secret'")
        cursor.execute("create database chaos owner chaos")
    return address, authority.ca


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of an authority that has vouched for nobody here."""
    return authority_of(RunFolder(tmp_path_factory.mktemp("stranger"), 0), {}).ca


@pytest.mark.parametrize("settings", ["", "?sslmode=require", "?sslmode=verify-full&sslrootcert={ca}"])
def test_tls(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    server: tuple[PostgresAddress, str],
    settings: str,
) -> None:
    """As the address tells libpq; a login that is bound to TLS is not asked of the code under test."""
    address, ca = server
    where = f"127.0.0.1:{address.port}"
    monkeypatch.setenv(
        "RESILIENCE_POSTGRES_DSN", f"postgresql://chaos:secret@{where}/chaos{settings.format(ca=ca)}"
    )
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("--chaos", "--chaos-backend=external")

    result.assert_outcomes(passed=1)


def test_certificate_of_another_is_refused(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    server: tuple[PostgresAddress, str],
    stranger: str,
) -> None:
    """Who asks for a certificate that is vouched for gets no other one."""
    address, _ = server
    where = f"127.0.0.1:{address.port}"
    monkeypatch.setenv(
        "RESILIENCE_POSTGRES_DSN",
        f"postgresql://chaos:secret@{where}/chaos?sslmode=verify-full&sslrootcert={stranger}",
    )
    result = pytester.runpytest_subprocess("--chaos", "--chaos-backend=external")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.re_match_lines([".*cannot be used: .*certificate verify failed"])
