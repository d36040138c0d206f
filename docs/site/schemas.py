"""The reference of the files: a page for each JSON Schema, made from it, and the schema itself beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mkdocs.structure.files import File, Files

from pytest_resilience.schemas import HOMES, schema

Schema = Mapping[str, Any]
PLAIN = {"object": "mapping", "array": "list", "string": "text", "null": "nothing"}


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and the schemas."""
    for name in HOMES:
        files.append(File.generated(config, f"reference/{name}.md", content=page(name)))
        files.append(
            File.generated(config, f"schemas/{name}.json", content=json.dumps(schema(name), indent=2))
        )
    return files


def page(name: str) -> str:
    """Return the page of a schema: a table for each mapping in it."""
    root = schema(name)
    text = [f"# {root['title']}\n\n{root.get('description', '')}\n"]
    text.append(f"The schema: [{name}.json](../schemas/{name}.json).\n")
    for title, node in _mappings(root, root, ""):
        text.append(f"## {title}\n" if title else "")
        if title and node.get("description"):
            text.append(f"{node['description']}\n")
        text.append("| key | value | means |\n|---|---|---|")
        needed = node.get("required", ())
        for key, value in node["properties"].items():
            needs = ", always needed" if key in needed else ""
            text.append(f"| `{key}` | {_kind(root, value)}{needs} | {_words(root, value)} |")
        text.append("")
    return "\n".join(text)


def _mappings(root: Schema, node: Schema, title: str) -> Iterator[tuple[str, Schema]]:
    """Find every mapping, outer ones first, with the path by which it is written."""
    node = _whole(root, node)
    if node.get("properties"):
        yield title, node
    for key, value in node.get("properties", {}).items():
        yield from _mappings(root, value, f"{title}.{key}" if title else key)
    if isinstance(node.get("additionalProperties"), Mapping):
        yield from _mappings(root, node["additionalProperties"], f"{title}.NAME")
    if "items" in node:
        yield from _mappings(root, node["items"], f"{title}[]")
    for choice in (*node.get("oneOf", ()), *node.get("anyOf", ())):
        yield from (
            _mappings(root, choice, title) if "required" not in choice or "properties" in choice else ()
        )


def _whole(root: Schema, node: Schema) -> Schema:
    """Return what a reference stands for, with what is said beside it."""
    target: Any = root
    for step in node["$ref"].removeprefix("#/").split("/") if "$ref" in node else ():
        target = target[step]
    return {**target, **node} if "$ref" in node else node


def _kind(root: Schema, value: Schema) -> str:
    value = _whole(root, value)
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    choices = value.get("oneOf") or value.get("anyOf")
    if choices and "type" not in value:
        return " or ".join(dict.fromkeys(_kind(root, choice) for choice in choices))
    kinds = value.get("type", "anything")
    named = " or ".join(PLAIN.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds))
    return f"{named} of {_kind(root, value['items'])}" if named == "list" and "items" in value else named


def _words(root: Schema, value: Schema) -> str:
    value = _whole(root, value)
    words = [str(value.get("description", "")).rstrip(".")]
    words += [f"Default: `{json.dumps(value['default'])}`"] if "default" in value else []
    return ". ".join(words).replace("|", "\\|").replace("{", "&#123;")
