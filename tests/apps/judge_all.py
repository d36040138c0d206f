"""Run the gate on every sample application and compare its verdicts with the catalogue: `make apps`, an hour and more.

A fragile one, of which the catalogue names the one item that it has to fail, is tried on that item alone; `--whole`
tries it on all. Names on the command line run these alone: `python tests/apps/judge_all.py risk constant_waits`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from assemble import assemble
from catalogue import APPS, App

LONGEST = 1_800
"""Seconds after which a gate is taken to hang."""
RIDES_ON = {"structured-logs": "external-calls", "messages": "external-calls"}
"""Items that are judged on what was logged and said under other items' faults."""


def judge(app: App, folder: Path, *, whole: bool) -> list[str]:
    """Return in what the gate differs from the catalogue; nothing where it agrees."""
    assemble(app, folder)
    command = [sys.executable, "-m", "pytest", "--chaos", "--checklist", "--chaos-seed=1", "-q"]
    command += ["-p", "no:cacheprovider", "--rootdir", str(folder), "-c", "/dev/null"]
    if not whole and len(app.expected) == 1:
        item = next(iter(app.expected))
        command += ["-k", RIDES_ON.get(item, item)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=LONGEST)
    report = folder / "resilience-report" / "report.json"
    if not report.exists():
        return [f"no report was written: {(done.stdout + done.stderr)[-500:]}"]
    items = {item["id"]: item for item in json.loads(report.read_text(encoding="utf-8"))["items"]}
    wrong = [
        f"{item}: {verdict} expected, {items[item]['verdict']} seen: {items[item].get('why')}"
        for item, verdict in app.expected.items()
        if items[item]["verdict"] != verdict
    ]
    if app.is_sound and done.returncode != 0:
        wrong.append(f"exit status 0 expected, {done.returncode} seen")
    if not app.is_sound and app.expected and done.returncode != 1:
        wrong.append(f"exit status 1 expected, {done.returncode} seen")
    return wrong


def main(arguments: list[str]) -> int:
    """Judge applications; return 1 where one differs."""
    names = [argument for argument in arguments if argument != "--whole"]
    differing = 0
    for name in names or list(APPS):
        with tempfile.TemporaryDirectory() as folder:
            wrong = judge(APPS[name], Path(folder) / name, whole="--whole" in arguments)
        differing += bool(wrong)
        sys.stdout.write(f"{'differs' if wrong else 'agrees ':8} {name}: {APPS[name].why}\n")
        sys.stdout.writelines(f"         {line}\n" for line in wrong)
        sys.stdout.flush()
    sys.stdout.write(f"{differing} of {len(names or APPS)} differ\n")
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
