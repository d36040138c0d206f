"""What the static report says about an item: a clear finding fails it, and reading alone never passes one.

A finding in code that no entry point leads to is unproven: whether it matters, only a workload can show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pytest_resilience.checklist.items import item as item_of
from pytest_resilience.checklist.static.report import Place, Site, StaticReport
from pytest_resilience.checklist.verdict import Evidence, Outcome

_OUT_OF_REACH = "No declared workload leads there."
_HANDLERS = {
    "postgres": "psycopg2.Error, or that of your driver",
    "http": "the library's base error",
    "mlflow": "mlflow.exceptions.MlflowException",
    "smtp": "OSError, of which SMTPException is one",
    "redis": "redis.RedisError",
    "s3": "(ClientError, BotoCoreError)",
    "tcp": "OSError",
}


def evidence(report: StaticReport, item: str) -> tuple[Evidence, ...]:
    """Return what was read about an item, in the order of the code.

    Args:
        report: what `analyse` returned.
        item: the item's id; items that reading says nothing about have no evidence.

    Raises:
        KeyError: there is no such item.
    """
    rule = _RULES.get(item_of(item).id)
    if rule is None:
        return ()
    found = tuple(rule(report))
    unread = tuple(_unread(report, item)) if item == "external-calls" else ()
    return (*found, *unread)


def _finding(item: str, subject: str, outcome: Outcome, why: str, fix: str, *warnings: str) -> Evidence:
    return Evidence(
        item=item, kind="static", subject=subject, outcome=outcome, why=why, fix=fix, warnings=warnings
    )


def _unread(report: StaticReport, item: str) -> Iterator[Evidence]:
    for place in report.broken:
        yield _finding(
            item,
            place.subject,
            "unproven",
            f"{place.path} {place.what}.",
            "Make it a Python file that this interpreter can parse, or leave it out of `packages`.",
        )


def _external_calls(report: StaticReport) -> Iterator[Evidence]:
    for site in report.sites:
        yield from _of_site(site)
    for place in report.swallowed:
        yield _finding(
            "external-calls",
            place.subject,
            "unproven" if place.unreached else "failed",
            f"This handler {place.what} silently: a failure looks like success.",
            f"In {place.subject} log the error with its context, then raise a domain error `from` it or return a "
            "fallback that says so.",
        )
    for place in report.missing_timeouts:
        yield _finding(
            "external-calls",
            place.subject,
            "unproven",
            "This call has no time limit, and its library none by default: it may wait for ever.",
            f"Give the call in {place.subject} a timeout.",
        )


def _of_site(site: Site) -> Iterator[Evidence]:
    if site.state not in {"unguarded", "unreached"}:
        if site.missed:
            errors = ", ".join(error.removeprefix("builtins.") for error in site.missed)
            why = (
                f"{site.sink} is guarded, but it may also raise {errors}, which nothing on its path catches."
            )
            fix = (
                f"Catch {errors} too, where {site.guards[0] if site.guards else site.place.subject} catches."
            )
            yield _finding("external-calls", site.place.subject, "unproven", why, fix, why)
        return
    if site.state == "unreached":
        why = f"No entry point leads to this call of {site.sink}, so nothing shows how its failure is met."
        fix = "Declare a workload that runs it, or delete it."
        yield _finding("external-calls", site.place.subject, "unproven", why, fix)
        return
    why = f"An error of {site.sink} ({site.service}) leaves the code as it is, through {_told(site)}.{_retried(site)}"
    fix = (
        f"Around the call in {site.place.subject}, or around one of its callers, catch {_what(site)} and raise a "
        "domain error `from` it, return a documented fallback, or end with a non-zero exit status."
    )
    if not site.declared:
        why = f"{why} {_OUT_OF_REACH}"
    yield _finding("external-calls", site.place.subject, "failed" if site.declared else "unproven", why, fix)


def _retried(site: Site) -> str:
    if site.retried is None:
        return ""
    last = [error for error in site.errors if error.startswith(f"{site.retried.by}.")]
    end = f"which raises {last[0]} in place of the last failure" if last else "but the last failure goes on"
    return f" It is tried again by {site.retried.by}, {end}."


def _what(site: Site) -> str:
    errors = " and ".join(error.removeprefix("builtins.") for error in site.errors)
    return errors or _HANDLERS.get(site.service, "its errors")


def _told(site: Site) -> str:
    steps = site.path if len(site.path) <= 5 else (*site.path[:2], "...", *site.path[-2:])
    return " > ".join(steps)


def _backoff(report: StaticReport) -> Iterator[Evidence]:
    for site in report.sites:
        retried = site.retried
        if retried is None or site.state == "unreached":
            continue
        faults = []
        if retried.backoff in {"constant", "linear"}:
            faults.append(f"its delays are {retried.backoff}")
        if not retried.bounded:
            faults.append("it never ends")
        told = retried.jitter or retried.backoff == "unknown"  # a wait of the team's own may well vary
        warnings = () if told else (f"The delays in {retried.where} do not vary: add jitter.",)
        if faults:
            why = f"{site.sink} is tried again by {retried.by} in {retried.where}: {' and '.join(faults)}."
            fix = (
                f"In {retried.where} let the delay grow by a factor (`base * 2 ** attempt`), vary it, and give up "
                "after some attempts."
            )
            outcome: Outcome = "failed" if site.declared else "unproven"
            yield _finding("backoff", site.place.subject, outcome, why, fix, *warnings)
        elif warnings:
            why = f"{site.sink} is tried again by {retried.by} in {retried.where}; only a run shows with which gaps."
            yield _finding("backoff", site.place.subject, "unproven", why, warnings[0], *warnings)


def _transactions(report: StaticReport) -> Iterator[Evidence]:
    for place in report.autocommit_writes:
        yield _split(place, "Turn autocommit off, or put the writes into one transaction block.")
    for place in report.commits_between:
        yield _split(place, f"Move the commit in {place.subject} behind the last write of the operation.")


def _split(place: Place, fix: str) -> Evidence:
    why = f"{place.what[:1].upper()}{place.what[1:]}: a failure between them leaves half of the operation."
    return _finding("transactions", place.subject, "unproven" if place.unreached else "failed", why, fix)


def _breakers(report: StaticReport) -> Iterator[Evidence]:
    for site in report.sites:
        if site.service == "postgres" or site.state == "unreached" or site.is_follow_up:
            continue
        if site.breaker is None:
            why = f"No circuit breaker stands around {site.sink} on every path, as far as one can read."
            fix = f"Put a breaker around the call in {site.place.subject}: one a service, shared by all of its calls."
        else:
            why = f"{site.breaker} stands around {site.sink}; only a run shows whether it opens and closes."
            fix = "Declare a workload that makes enough calls for the breaker to open."
        if not site.declared:
            why = f"{why} {_OUT_OF_REACH}"
        yield _finding("breakers", site.place.subject, "unproven", why, fix)


def _structured_logs(report: StaticReport) -> Iterator[Evidence]:
    for place in report.bare_logging:
        yield _finding(
            "structured-logs",
            place.subject,
            "unproven" if place.unreached else "failed",
            f"`{place.what}` logs an error without saying in what operation, on which resource, in which attempt.",
            f"In {place.subject} log a record with fields: the event, the error's type, operation, resource, attempt "
            "and an id that ties records together (`extra={...}` or your structured logger's keywords).",
        )


_RULES: Mapping[str, Callable[[StaticReport], Iterator[Evidence]]] = {
    "external-calls": _external_calls,
    "backoff": _backoff,
    "transactions": _transactions,
    "breakers": _breakers,
    "structured-logs": _structured_logs,
}
