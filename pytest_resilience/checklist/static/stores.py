"""Where libraries keep what the code gives them, until the code asks for it elsewhere.

Context variables and queues, what the handlers of a web application share, the function of a subcommand.
"""

from __future__ import annotations

import ast

from pytest_resilience.checklist.static.values import (
    UNKNOWN,
    Arguments,
    Bag,
    Made,
    Member,
    Partial,
    Ref,
    Value,
    Values,
    consts,
    union,
)
from pytest_resilience.checklist.static.world import Act

STATE = Ref("starlette.datastructures.State")
"""Where an application of FastAPI or Starlette keeps what its handlers share: whoever has a request has it."""
_SHARED = Ref("aiohttp.web.Application")
"""Where one of aiohttp does: applications and requests are written like dictionaries."""
_CURRENT = Ref("flask.current_app")
_EXTENSIONS = Ref("flask.current_app.extensions")
_FLASK = ("flask.", "quart.")
_TABLES = (".extensions", ".config")
_SHARERS = {"app", "application", "config_dict", "request", "req"}
_KEYS = {"aiohttp.web.AppKey", "aiohttp.web.RequestKey"}
_NAMESPACE = Ref("argparse.Namespace")
"""What `set_defaults` has given to any parser: `args.func`."""
_CONTEXT = Ref("click.Context")
"""Where a command line keeps what its commands share."""
_QUEUES = ("queue.", "asyncio.", "multiprocessing.", "contextvars.ContextVar.")
_READ = frozenset({Ref("read")})


def stored(act: Act, owner: Value | None, path: str, arguments: Arguments) -> Values | None:
    """Put into a store, or take out of it; none where the call does neither, or nobody ever takes anything out."""
    if not isinstance(owner, Made):
        return None
    name = path.rpartition(".")[2]
    if path.startswith("argparse.") and name == "set_defaults":
        for key, values in arguments.keywords.items():
            act.world.join(_NAMESPACE, key, values)
        return UNKNOWN
    if not path.startswith(_QUEUES) or path.count(".") != 2:
        return None
    if name in {"put", "put_nowait", "set"}:
        act.world.join(owner, "*", arguments.get(0, None) or UNKNOWN)
        return UNKNOWN if act.world.held(owner, "read") else None
    if name in {"get", "get_nowait"}:
        act.world.join(owner, "read", _READ)
        known = act.world.details.get(owner)
        default = known.arguments.get(None, "default") if known is not None else None
        return union((act.world.held(owner, "*"), arguments.get(0, None) or UNKNOWN, default or UNKNOWN))
    return None


def in_namespace(act: Act, owner: Made, name: str) -> Values:
    """Return what a subcommand's parser has set as a default."""
    return act.world.held(_NAMESPACE, name) if owner.type == _NAMESPACE.path else UNKNOWN


def store_of(act: Act, node: ast.expr, owners: Values) -> Values:
    """Return where the elements of an expression are kept: what it stands for, or a web application's store."""
    if any(map(_is_of_aiohttp, owners)):
        return frozenset({_SHARED})
    if any(_path_of(owner).startswith(_FLASK) and _path_of(owner).endswith(_TABLES) for owner in owners):
        return frozenset({_EXTENSIONS})
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    is_sharer = not owners and name in _SHARERS and uses(act, "aiohttp")
    return frozenset({_SHARED}) if is_sharer else owners


def _path_of(owner: Value) -> str:
    return owner.type if isinstance(owner, Made) else owner.path if isinstance(owner, Member | Ref) else ""


def _is_of_aiohttp(owner: Value) -> bool:
    path = _path_of(owner) if isinstance(owner, Made | Member) else ""
    return path.startswith("aiohttp.web.") and not path.startswith("aiohttp.web.AppKey")


def keep(act: Act, store: Value, keys: Values, values: Values) -> None:
    """Put something into a store that is written like a dictionary."""
    if store in {_SHARED, _EXTENSIONS}:
        for name in _names(keys):
            act.world.join(store, name, values)


def kept(act: Act, store: Value, keys: Values) -> Values:
    """Return what such a store may hold under a key."""
    if store not in {_SHARED, _EXTENSIONS}:
        return UNKNOWN
    return union(act.world.held(store, name) for name in _names(keys))


def _names(keys: Values) -> list[str]:
    made = [key.site for key in keys if isinstance(key, Made) and key.type in _KEYS]
    return [f"[{name}]" for name in (*consts(keys), *made)]


def context_of(act: Act, node: ast.Attribute, owners: Values) -> Values:
    """Return what has the attribute: of an unknown `ctx.obj`, every context of click and typer."""
    is_context = node.attr == "obj" and not owners and (uses(act, "click") or uses(act, "typer"))
    return frozenset({_CONTEXT}) if is_context else owners


def targets_of(act: Act, node: ast.Attribute, owners: Values) -> Values:
    """Return what is given an attribute: what is given to an application of Flask, `current_app` has too."""
    made = any(isinstance(owner, Made) and owner.type in {"flask.Flask", "quart.Quart"} for owner in owners)
    return context_of(act, node, owners) | (frozenset({_CURRENT}) if made else UNKNOWN)


def pass_object(act: Act, arguments: Arguments, node: ast.AST) -> Values:
    """Return a command that gets what its context keeps, as click's `pass_obj` makes it."""
    site = act.source.site(node)
    found = [Partial(value, site) for value in arguments.get(0, None) or UNKNOWN]
    for one in found:
        act.world.remember(one, Arguments((act.world.held(_CONTEXT, "obj"),)))
    return frozenset(found)


def share_state(act: Act, values: Values) -> None:
    """Take what a lifespan yields, which every request of the application has as its state."""
    function = act.node_of_function
    if not isinstance(function, ast.AsyncFunctionDef) or len(function.args.args) != 1:
        return
    if not (uses(act, "starlette") or uses(act, "fastapi")):
        return
    for bag in values:
        for name, held in list(act.world.heap.get(bag, {}).items()) if isinstance(bag, Bag) else ():
            if name.startswith("["):
                act.world.join(STATE, name[1:-1], held)


def uses(act: Act, library: str) -> bool:
    """Tell whether any module of the code imports a library."""
    found: set[str] | None = act.world.kept.get("imported libraries")
    if found is None:
        nodes = (node for source in act.world.project.modules.values() for node in ast.walk(source.tree))
        found = {
            name.partition(".")[0]
            for node in nodes
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        act.world.kept["imported libraries"] = found
    return library in found
