"""Properties for pytest's own JUnit file: what the checklist said, as names and values."""

from __future__ import annotations

from pytest_resilience.report.model import Report


def junit_properties(report: Report) -> list[tuple[str, str]]:
    """Return the properties of the test suite, in order."""
    pairs = [("resilience.gate", report.gate.word), ("resilience.seed", str(report.seed))]
    pairs += [(f"resilience.engine.{name}", engine) for name, engine in report.engines.items()]
    if report.commit:
        pairs.append(("resilience.commit", report.commit + (" (dirty)" if report.dirty else "")))
    points = report.coverage
    pairs.append(
        ("resilience.coverage", f"{points.survived} survived of {points.exercised} of {points.points}")
    )
    for verdict in report.items:
        pairs.append((f"resilience.item.{verdict.item}", verdict.word))
        if verdict.why:
            pairs.append((f"resilience.item.{verdict.item}.why", verdict.why))
        if verdict.replay:
            pairs.append((f"resilience.item.{verdict.item}.replay", verdict.replay))
    return pairs
