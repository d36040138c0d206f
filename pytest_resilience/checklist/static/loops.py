"""Finds the retry loops that the code writes itself: a loop that comes back after an error and ends on success."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from pytest_resilience.checklist.static.frames import Frame
from pytest_resilience.checklist.static.handlers import inside
from pytest_resilience.checklist.static.report import BackoffKind, Retried

Loop = ast.For | ast.AsyncFor | ast.While
IsSleep = Callable[[ast.Call], bool]
_COUNTERS = {"range", "count", "repeat", "xrange"}
_WAITING = re.compile(r"wait|pause|sleep|delay|back_?off", re.IGNORECASE)
_EXITS = (ast.Raise, ast.Return, ast.Break)


def retry_loops(
    body: list[ast.stmt], is_sleep: IsSleep, where: Callable[[ast.AST], str]
) -> dict[ast.AST, Frame]:
    """Return the `try` statements that a loop repeats, with the frame of that retry."""
    found: dict[ast.AST, Frame] = {}
    for loop in inside(body):
        if isinstance(loop, ast.For | ast.AsyncFor | ast.While):
            for attempt in _tries(loop):
                if _comes_back(attempt) and _ends(loop, attempt) and _repeats(loop, is_sleep):
                    retried = _described(loop, attempt, is_sleep, where(loop))
                    found[attempt] = Frame("retry", retried.where, "loop", (), retried)
    return found


def retry_calls(
    function: ast.AST, is_sleep: IsSleep, where: Callable[[ast.AST], str]
) -> dict[ast.AST, Frame]:
    """Return the `try` statements whose handler calls the function again, with the frame of that retry."""
    found: dict[ast.AST, Frame] = {}
    name = getattr(function, "name", None)
    body = getattr(function, "body", [])
    for attempt in (n for n in inside(body if isinstance(body, list) else []) if isinstance(n, ast.Try)):
        failing = [statement for handler in attempt.handlers for statement in handler.body]
        calls = [node for node in inside(failing) if isinstance(node, ast.Call)]
        if name is not None and any(ast.unparse(call.func).rpartition(".")[2] == name for call in calls):
            waits = [call.args[0] for call in calls if is_sleep(call) and call.args]
            fixed = all(isinstance(wait, ast.Constant) for wait in waits)
            bounded = any(isinstance(node, ast.If | ast.IfExp) for node in inside(failing))
            retried = Retried(
                by="loop",
                where=where(attempt),
                bounded=bounded,
                backoff="constant" if fixed else "unknown",
                jitter=False,
            )
            found[attempt] = Frame("retry", retried.where, "loop", (), retried)
    return found


def _tries(loop: Loop) -> Iterator[ast.Try]:
    """Yield the `try` statements of a loop, but not those of a loop within it."""
    queue: list[ast.AST] = list(loop.body)
    while queue:
        node = queue.pop(0)
        if isinstance(node, ast.Try):
            yield node
        if not isinstance(
            node, ast.For | ast.AsyncFor | ast.While | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        ):
            queue += list(ast.iter_child_nodes(node))


def _comes_back(attempt: ast.Try) -> bool:
    return any(not handler.body or not isinstance(handler.body[-1], _EXITS) for handler in attempt.handlers)


def _ends(loop: Loop, attempt: ast.Try) -> bool:
    """Return whether success leaves the loop."""
    if isinstance(loop, ast.While) and not _is_forever(loop):
        names = {n.id for n in ast.walk(loop.test) if isinstance(n, ast.Name)}
        changed = {
            n.id
            for s in attempt.body
            for n in ast.walk(s)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        if names & changed:
            return True
    after = loop.body[loop.body.index(attempt) + 1 :] if attempt in loop.body else []
    places = [*attempt.body, *attempt.orelse, *after]
    return any(isinstance(node, ast.Return | ast.Break) for node in inside(places))


def _repeats(loop: Loop, is_sleep: IsSleep) -> bool:
    """Return whether the loop counts attempts or waits, and does not walk over data."""
    if isinstance(loop, ast.While):
        return True
    called = loop.iter.func if isinstance(loop.iter, ast.Call) else None
    name = ast.unparse(called).rpartition(".")[2] if called is not None else ""
    return name in _COUNTERS or any(True for _ in _sleeps(loop, is_sleep))


def _sleeps(loop: Loop, is_sleep: IsSleep) -> Iterator[ast.Call]:
    return (node for node in inside(list(loop.body)) if isinstance(node, ast.Call) and is_sleep(node))


def _is_forever(loop: ast.While) -> bool:
    return isinstance(loop.test, ast.Constant) and bool(loop.test.value)


def _described(loop: Loop, attempt: ast.Try, is_sleep: IsSleep, where: str) -> Retried:
    backoff: BackoffKind
    waits = [call.args[0] for call in _sleeps(loop, is_sleep) if call.args]
    backoff, jitter = ("unknown", False) if not waits and _waits_elsewhere(loop) else _delays(loop, waits)
    return Retried(by="loop", where=where, bounded=_is_bounded(loop, attempt), backoff=backoff, jitter=jitter)


def _waits_elsewhere(loop: Loop) -> bool:
    """Return whether the loop calls a function whose name says that it waits: how long is not to be read here."""
    calls = (node for node in inside(list(loop.body)) if isinstance(node, ast.Call))
    return any(_WAITING.search(ast.unparse(call.func).rpartition(".")[2]) for call in calls)


def _is_bounded(loop: Loop, attempt: ast.Try) -> bool:
    """Return whether the loop ends by itself, or a failure may leave it."""
    if isinstance(loop, ast.While) and not _is_forever(loop):
        names = {
            n.id
            for n in ast.walk(loop.test)
            if isinstance(n, ast.Name | ast.Attribute)
            for n in ast.walk(n)
            if isinstance(n, ast.Name)
        }
        failing = [
            *[s for h in attempt.handlers for s in h.body],
            *[s for s in loop.body if s is not attempt],
        ]
        return bool(names & _stored(failing)) or _leaves(attempt)
    if isinstance(loop, ast.While) or "count(" in ast.unparse(loop.iter):
        return _leaves(attempt)
    return True


def _leaves(attempt: ast.Try) -> bool:
    return any(isinstance(node, _EXITS) for handler in attempt.handlers for node in inside(handler.body))


def _stored(body: list[ast.stmt]) -> set[str]:
    return {
        n.id for s in body for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def _delays(loop: Loop, waits: list[ast.expr]) -> tuple[BackoffKind, bool]:
    """Return how the delays grow, and whether they vary."""
    if not waits:
        return "constant", False
    texts = _definitions(loop, waits)
    jitter = any("random" in text or "uniform" in text or "jitter" in text for text in texts)
    joined = " ; ".join(texts)
    if any(sign in joined for sign in ("**", "<<", "pow(", "*= ", "exp")) or _multiplies_itself(texts):
        return "exponential", jitter
    if isinstance(loop, ast.For) and _moves(loop, waits):
        return _over_delays(loop), jitter
    if "+= " in joined or _grows_with_counter(loop, texts):
        return "linear", jitter
    return ("constant" if _is_fixed(loop, waits) else "unknown"), jitter


def _definitions(loop: Loop, waits: list[ast.expr]) -> list[str]:
    """Return the texts of the delays, and of what the names in them are set to."""
    texts = [ast.unparse(wait) for wait in waits]
    names = _names(waits)
    for _ in range(3):
        for node in inside(list(loop.body)):
            if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if {ast.unparse(target) for target in targets} & names:
                    texts.append(ast.unparse(node))
                    names |= _names([node.value])
    return list(dict.fromkeys(texts))


def _names(nodes: list[ast.expr]) -> set[str]:
    return {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}


def _multiplies_itself(texts: list[str]) -> bool:
    for text in texts:
        target, equals, value = text.partition(" = ")
        if equals and "*" in value and target in value:
            return True
    return False


def _moves(loop: ast.For, waits: list[ast.expr]) -> bool:
    """Return whether the loop walks over the delays themselves."""
    return isinstance(loop.iter, ast.Tuple | ast.List | ast.Name) and bool(
        _names(waits) & _names([loop.target])
    )


def _over_delays(loop: ast.For) -> BackoffKind:
    parts = loop.iter.elts if isinstance(loop.iter, ast.Tuple | ast.List) else []
    numbers = [
        part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, int | float)
    ]
    if len(numbers) < 2 or len(numbers) != len(parts) or not all(numbers[:-1]):
        return "unknown"
    ratios = [after / before for before, after in pairwise(numbers)]
    if all(ratio == 1 for ratio in ratios):
        return "constant"
    return "exponential" if min(ratios) >= 1.7 else "linear"


def _grows_with_counter(loop: Loop, texts: list[str]) -> bool:
    counters = _names([loop.target]) if not isinstance(loop, ast.While) else _counted(loop)
    names = {n.id for text in texts for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
    return bool(counters & names)


def _counted(loop: ast.While) -> set[str]:
    return {
        node.target.id
        for node in inside(list(loop.body))
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
    }


def _is_fixed(loop: Loop, waits: list[ast.expr]) -> bool:
    """Return whether nothing in the delays changes from attempt to attempt, as far as one can see."""
    called = any(isinstance(n, ast.Call) for wait in waits for n in ast.walk(wait))
    return not called and not (_names(waits) & _stored(list(loop.body)))
