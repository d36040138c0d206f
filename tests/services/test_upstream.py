"""A server's own command is started on a port that is free, and ends with all that it started."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from pytest_resilience.services.process import ServiceStartError
from pytest_resilience.services.upstream import start_upstream

SERVE = (
    "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print('up', flush=True); "
)


def python(code: str):
    """Return a command that runs code with the port as its argument."""
    return lambda port: [sys.executable, "-c", code, str(port)]


def test_it_listens_when_it_is_there(run, tmp_path):
    """It is reached at its address, it wrote to its log, and afterwards it is gone."""
    upstream = start_upstream(
        run, "labs", python(SERVE + "s.accept()[0].recv(1)"), folder=tmp_path, env=os.environ
    )
    with socket.create_connection((upstream.host, upstream.port)):
        pass
    log = upstream.child.log
    upstream.stop()
    upstream.stop()

    assert upstream.address == f"127.0.0.1:{upstream.port}"
    assert not upstream.runs
    assert log.read_text() == "up\n"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((upstream.host, upstream.port))


def test_children_go_with_it(run, tmp_path):
    """A process that it started in a session of its own does not stay behind."""
    code = "import subprocess, time; p = subprocess.Popen(['sleep', '600'], start_new_session=True); "
    code = SERVE + code + "open('child', 'w').write(str(p.pid)); time.sleep(600)"
    upstream = start_upstream(run, "labs", python(code), folder=tmp_path, env=os.environ)
    child = tmp_path / "child"
    upstream.child.wait_until(lambda: child.exists() and child.read_text() != "", timeout=60)
    upstream.stop()

    assert not Path(f"/proc/{child.read_text()}").exists()


def test_another_port_where_one_is_taken(run, tmp_path):
    """A port that somebody took in between is not the end."""
    tried = []

    def command(port: int) -> list[str]:
        tried.append(port)
        taken = "raise SystemExit('OSError: [Errno 98] Address already in use')"
        return python(taken if len(tried) == 1 else SERVE + "s.accept()[0].recv(1)")(port)

    upstream = start_upstream(run, "labs", command, folder=tmp_path, env=os.environ)
    upstream.stop()

    assert len(tried) == 2
    assert upstream.port == tried[1]


def test_end_at_the_start_is_told(run, tmp_path):
    """The message has the command, the status and the end of the log."""
    with pytest.raises(ServiceStartError, match=r"(?s)upstream of labs .*status 3.*\n    no data"):
        start_upstream(
            run, "labs", python("print('no data'); raise SystemExit(3)"), folder=tmp_path, env=os.environ
        )


@pytest.mark.parametrize(("program", "where"), [("no-such-server", r"PATH \(/bin\)"), ("./serve", "in /")])
def test_missing_program_is_told(run, tmp_path, program, where):
    """The message says where it was looked for."""
    with pytest.raises(ServiceStartError, match=f"there is no program '{program}' in .*{where}|{where}"):
        start_upstream(run, "labs", lambda _: [program], folder=tmp_path, env={"PATH": "/bin"})


def test_program_beside_the_configuration(run, tmp_path):
    """A path with a slash is looked for from the folder."""
    script = tmp_path / "serve"
    script.write_text(f"#!{sys.executable}\n{SERVE}\ns.accept()[0].recv(1)\n")
    script.chmod(0o755)
    upstream = start_upstream(
        run, "labs", lambda port: ["./serve", str(port)], folder=tmp_path, env=os.environ
    )
    upstream.stop()

    assert upstream.port > 0
