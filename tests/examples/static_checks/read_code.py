from pathlib import Path

from pytest_resilience.checklist.static import EntryPoint, analyse, evidence

CODE = """
import labkit

client = labkit.connect("labs.example.org", limit=2)


@labkit.again(times=3)
def results(visit):
    try:
        return client.results(visit, limit=2)
    except labkit.LabTimeout:
        return None


def handle():
    return results(7)
"""


def read(folder: Path, catalogue: Path) -> list[str]:
    (folder / "clinic.py").write_text(CODE, encoding="utf-8")
    report = analyse(
        folder,
        ["clinic"],
        [EntryPoint(function="clinic:handle")],
        catalogues=[catalogue],
    )
    found = evidence(report, "external-calls")
    return [f"{one.subject} {one.outcome}: {one.why} {one.fix}" for one in found]
