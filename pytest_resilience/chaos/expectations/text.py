"""A verdict as text: what was expected and seen, the messages around the fault, the last log lines, the command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_resilience.chaos.expectations.fault_words import fault_words
from pytest_resilience.chaos.expectations.judgement import Judgement, Phase, shortened
from pytest_resilience.chaos.expectations.verdict import ScenarioVerdict
from pytest_resilience.chaos.run.record import FaultRecord, Message, RunRecord
from pytest_resilience.chaos.scenario.model import Scenario

AROUND = 8
"""Messages that are shown before the first receipt, and after it."""
LAST_LINES = 15
_PHASES: tuple[tuple[Phase, str], ...] = (
    ("safety", "Safety, during the fault"),
    ("liveness", "Liveness, after heal"),
)


def render(
    verdict: ScenarioVerdict,
    scenario: Scenario,
    record: RunRecord,
    *,
    replay: str,
    service_logs: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Return what a red scenario prints.

    Args:
        verdict: what is said.
        scenario: what was promised.
        record: what was seen.
        replay: the command that runs exactly this again.
        service_logs: the last lines of the services' own logs, by service.
    """
    lines = [f"{verdict.word}: {scenario.title}"]
    if verdict.word == "unproven":
        lines.append(f"  {verdict.why}")
    for phase, title in _PHASES:
        lines += _section(title, [_line(each) for each in verdict.judgements if each.phase == phase])
    lines += _section("Faults", [_fault(fault) for fault in record.faults])
    lines += _section("Messages around the first receipt", trace(record))
    lines += _section("Last lines of the workload", _output(record))
    for service, log in (service_logs or {}).items():
        lines += _section(f"Last lines of {service}", list(log)[-LAST_LINES:])
    lines += _section("Notes", record.notes)
    return "\n".join([*lines, f"Replay: {replay}"])


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title}:", *(f"  {line}" for line in lines)] if lines else []


def _line(judgement: Judgement) -> str:
    return f"{'ok    ' if judgement.held else 'BROKEN'} {judgement}"


def _fault(fault: FaultRecord) -> str:
    if fault.impossible is not None:
        return f"{fault_words(fault.order)}: impossible here, {fault.impossible}"
    times = ", ".join(f"{receipt.at:.3f}" for receipt in fault.receipts[:5])
    more = f" and {len(fault.receipts) - 5} more" if len(fault.receipts) > 5 else ""
    stays = fault.order.kind == "clock_jump"  # nobody puts the clock right again
    healed = f", healed at {fault.healed_at:.3f} s" if fault.healed_at is not None and not stays else ""
    there = "" if fault.injected_at is None else f"there from {fault.injected_at:.3f} s on, "
    hit = f"fired at {times} s{more}"
    fired = f"{there if stays else ''}{hit}" if times else f"{there}{'but ' if there else ''}never fired"
    return f"{fault_words(fault.order)}: {fired}{healed}"


def trace(record: RunRecord, around: int = AROUND) -> list[str]:
    """Return a table of the messages around the first receipt; the last ones where there is none."""
    messages = sorted(record.messages, key=lambda message: message.at)
    first = record.first_receipt
    before = [message for message in messages if first is None or message.at <= first][-around:]
    after = [message for message in messages if first is not None and message.at > first][:around]
    if not before and not after:
        return []
    return list(_table([*map(_cells, before), *map(_cells, after)]))


def _cells(message: Message) -> tuple[str, ...]:
    arrow = {"request": "->", "reply": "<-"}.get(message.side, "--")
    what = message.message + (f" x{message.count}" if message.count > 1 else "")
    struck = f"<= {message.fault}" if message.fault else ""
    shape = shortened(message.shape, 60) if message.shape and message.shape != message.message else ""
    return (
        f"{message.at:.3f}",
        f"{message.service}#{message.connection}",
        arrow,
        what,
        shape,
        message.transaction or "",
        struck,
    )


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width).rstrip()


def _output(record: RunRecord) -> list[str]:
    """Return the last lines that the workload wrote: its log, else its last process's stderr, else stdout."""
    if record.logs:
        return [f"{line.at:.3f} {shortened(line.text, 400)}" for line in record.logs[-LAST_LINES:]]
    if not record.processes:
        return []
    last = record.processes[-1]
    return [shortened(line, 400) for line in (last.stderr or last.stdout).splitlines()[-LAST_LINES:]]
