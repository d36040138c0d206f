"""What a report comes to in plain sentences: may this be deployed, and if not, what stops it."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_resilience.checklist.verdict import Verdict
from pytest_resilience.report.model import Report
from pytest_resilience.report.result import names

INTERRUPTED = "interrupted"
"""The word in the reasons of what was left out, where the run was ended before its end."""


def answer(report: Report) -> str:
    """Return the sentences, in one line; a run that was ended early, or is a part, says so first."""
    if not report.gate.asked:
        return "Nothing was judged: the checklist was not asked for (--checklist)."
    if report.shard is not None:
        shard = report.shard
        return (
            f"Not judged yet: this is shard {shard.index} of {shard.count}, and only all together are judged."
        )
    return " ".join([*_left_out(report), _yes(report) if report.gate.passed else _no(report)])


def stopping(report: Report) -> list[Verdict]:
    """Return the items that stop the deploy by what was found of them."""
    open_ones = unjudged(report)
    return [each for each in report.items if each.word in {"failed", "unproven"} and each not in open_ones]


def unjudged(report: Report) -> list[Verdict]:
    """Return the items that are open for what was left out of the run: they stop the deploy too, by that alone."""
    return [each for each in report.items if each.word == "unproven" and each.item in report.left_out]


def _left_out(report: Report) -> Iterator[str]:
    open_ones = [each.item for each in unjudged(report)]
    reasons = [reason for theirs in report.left_out.values() for reason in theirs]
    interrupted = any(INTERRUPTED in reason for reason in reasons)
    begin = "The run was interrupted" if interrupted else "Only a part was run"
    if open_ones:
        yield f"{begin}: nothing can be said of {', '.join(open_ones)}."
    elif reasons:
        yield f"{begin}."


def _yes(report: Report) -> str:
    failed = sum(report.tests.get(word, 0) for word in ("failed", "error"))
    scenarios = [name.removeprefix("scenario:") for name in names(report, "FAILED")]
    if failed or scenarios:
        what = f"scenario {', '.join(scenarios)}" if scenarios else _count(failed, "test")
        return f"No item stops the deploy, but {what} failed: verify will refuse it."
    what = (
        "what was tested may be deployed, but files differ from the commit"
        if report.dirty
        else ("this commit may be deployed" if report.commit else "this may be deployed")
    )
    waived = [each.item for each in report.items if each.word == "waived"]
    warned = [name for name in names(report, "WARNED") if name not in waived]
    parts = [what]
    parts += [f"with waivers of {_count(len(waived), 'item')} ({', '.join(waived)})"] if waived else []
    parts += [f"with warnings in {_count(len(warned), 'item')} ({', '.join(warned)})"] if warned else []
    return f"Yes: {', '.join(parts)}."


def _no(report: Report) -> str:
    gate = report.gate
    stops = [f"{each.item} ({each.word})" for each in stopping(report)]
    stop = "would stop" if gate.mode == "warn" else "stops" if len(stops) == 1 else "stop"
    if stops:
        said = f"{_count(len(stops), 'item')} {stop} the deploy: {', '.join(stops)}"
    elif unjudged(report):
        said = "a deploy needs the verdict of all ten items"
    else:
        said = "; ".join(gate.why)
    goes_on = " Mode warn: the run goes on all the same." if gate.mode == "warn" else ""
    return f"No: {said.rstrip('.')}.{goes_on}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
