"""The recipes for CI are valid, and their steps, run as they stand, let a deploy through or stop it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
GITHUB = YAML(typ="safe").load(HERE / "github.yml")
GITLAB = YAML(typ="safe").load(HERE / "gitlab-ci.yml")
FILES = {
    ".gitignore": "parts/\npart-*/\nresilience-report/\njunit.xml\n__pycache__/\n.pytest_cache/\n",
    "deploy.sh": "#!/bin/sh\necho deployed\n",
    "resilience.toml": (
        '[services.labs]\nkind = "http"\nupstream = "{python} -m http.server {port} --bind 127.0.0.1"\n'
        'env = { LABS_URL = "{url}" }\n\n[workloads.load]\ncommand = ["{python}", "load.py"]\nuses = ["labs"]\n'
    ),
    "load.py": "raise SystemExit(3)\n",
}
"""A job that never worked: nothing about it can be proven, so the gate is red, soon."""
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org")


def _sh(script, cwd, **variables):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment |= {"PATH": path, "PYTHONPATH": str(ROOT), **variables}
    shell = ["/bin/sh", "-c", script]
    return subprocess.run(shell, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def _steps(script):
    """Return what is run, without what comes from a package index: the tests have that already."""
    return [line for line in script if not line.startswith(("pip install", "gh "))]


def _github(job):
    return _steps([step["run"] for step in GITHUB["jobs"][job]["steps"] if "run" in step])


@pytest.fixture
def project(tmp_path):
    """A committed project with a job that does not run."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "deploy.sh").chmod(0o700)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Begin"]):
        subprocess.run([*GIT, *command], cwd=tmp_path, check=True)
    return tmp_path


def test_jobs_wait_for_what_they_need():
    """Every job that is needed is there, parts are as many as they say, and the deploy comes after the gate."""
    jobs = GITHUB["jobs"]
    (part,) = [step for step in _github("part") if "--chaos-shard" in step]

    assert part.count(f"/{len(jobs['part']['strategy']['matrix']['part'])} ") == 1
    assert (jobs["gate"]["needs"], jobs["deploy"]["needs"], GITLAB["deploy"]["needs"]) == (
        "part",
        "gate",
        ["gate"],
    )
    assert [GITLAB[job]["stage"] for job in GITLAB["stages"]] == GITLAB["stages"]
    assert "if" in jobs["gate"]
    assert "always()" not in jobs["deploy"]["if"]


def test_a_red_gate_stops_the_github_deploy(project):
    """Both parts run, their reports are joined, the gate ends with 1, and the attestation is refused."""
    for part in ("1", "2"):
        for step in _github("part"):
            _sh(re.sub(r"\$\{\{ matrix\.part \}\}", part, step), project)
        shutil.move(project / "resilience-report", project / "parts" / f"part-{part}")
    (merge,) = _github("gate")
    summary = project / "parts" / "summary.md"
    gate = _sh(merge, project, GITHUB_STEP_SUMMARY=str(summary))
    commit = subprocess.run(
        [*GIT, "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True
    )
    verify, deploy = _github("deploy")
    verified = _sh(verify, project, GITHUB_SHA=commit.stdout.strip())

    assert (gate.returncode, verified.returncode) == (1, 1), gate.stdout + gate.stderr + verified.stderr
    assert "external-calls" in summary.read_text()
    assert (project / "resilience-report" / "report.sarif").exists()
    assert "refused" in verified.stderr
    assert deploy == "./deploy.sh"


def test_a_red_gate_stops_the_shell_deploy(project):
    """The script ends at the merge."""
    done = _sh((HERE / "gate.sh").read_text(), project)

    assert done.returncode == 1, done.stderr
    assert "deployed" not in done.stdout
    assert "resilience gate: FAILED" in done.stdout


def test_a_red_gate_stops_the_gitlab_deploy(project):
    """The parts take their numbers from GitLab, and the merge finds them."""
    for part in ("1", "2"):
        for step in _steps(GITLAB["part"]["script"]):
            _sh(step, project, CI_NODE_INDEX=part, CI_NODE_TOTAL="2")
    (merge,) = _steps(GITLAB["gate"]["script"])

    assert _sh(merge, project).returncode == 1
    assert (project / "resilience-report" / "report.json").exists()
