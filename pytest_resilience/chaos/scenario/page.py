"""One file while it is read: what it is checked against, and what was found wrong in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeAlias

from pytest_resilience.chaos.configuration.model import Configuration, WorkloadDeclaration
from pytest_resilience.chaos.nearest import nearest
from pytest_resilience.chaos.position import Complaint, Position
from pytest_resilience.chaos.scenario.yaml_nodes import MappingNode, Node, SequenceNode, shown


class RefusedError(Exception):
    """Say that a value means nothing; whoever reads the mapping around it writes it down and reads on."""

    def __init__(self, position: Position, message: str) -> None:
        super().__init__(message)
        self.complaint = Complaint(position, message)


ReadValue: TypeAlias = Callable[[Node, str], Any]
"""From a node, and what messages call it, to the value."""


@dataclass(slots=True)
class Page:
    """One file while it is read.

    Args:
        configuration: what the team declared.
        complaints: what is wrong, in the order found.
        workload: the scenario's, once it is known.
    """

    configuration: Configuration
    complaints: list[Complaint] = field(default_factory=list)
    workload: WorkloadDeclaration | None = None

    def complain(self, position: Position, message: str) -> None:
        """Write down what is wrong."""
        self.complaints.append(Complaint(position, message))

    def attempt(self, read: ReadValue, node: Node, name: str) -> Any:
        """Return the value, or none where it was refused and written down."""
        try:
            return read(node, name)
        except RefusedError as refused:
            self.complaints.append(refused.complaint)
            return None

    def fields(
        self,
        node: Node,
        name: str,
        readers: Mapping[str, ReadValue],
        *,
        required: Collection[str] = (),
    ) -> dict[str, Any]:
        """Return what a mapping holds; what is unknown, missing or refused is written down and left out.

        Raises:
            RefusedError: it is no mapping.
        """
        mapping = a_mapping(node, name)
        missing = [key for key in required if key not in mapping.keys]
        missing = [repr(key) for key in missing if not _is_misspelled(key, mapping, readers)]
        if missing:
            self.complain(node.position, f"{name} needs {' and '.join(missing)}")
        values: dict[str, Any] = {}
        for key_node, value in mapping.entries:
            if key_node.text not in readers:
                hint = nearest(key_node.text, readers) if readers else "it takes none"
                self.complain(key_node.position, f"{name} has no key {key_node.text!r}; {hint}")
                continue
            read = self.attempt(readers[key_node.text], value, key_node.text)
            if read is not None:
                values[key_node.text] = read
        return values

    def items(self, node: Node, name: str, read: ReadValue) -> list[Any]:
        """Return the items of a list without those that were refused and written down.

        Raises:
            RefusedError: it is no list, or an empty one.
        """
        read_items = (self.attempt(read, item, name) for item in a_list(node, name).items)
        return [item for item in read_items if item is not None]


def a_mapping(node: Node, name: str) -> MappingNode:
    """Return the node where it is a mapping.

    Raises:
        RefusedError: it is something else.
    """
    if not isinstance(node, MappingNode):
        raise RefusedError(node.position, f"{name} is {shown(node)}: write a mapping, `key: value`")
    return node


def a_list(node: Node, name: str) -> SequenceNode:
    """Return the node where it is a list that holds something.

    Raises:
        RefusedError: it is something else.
    """
    if not isinstance(node, SequenceNode):
        raise RefusedError(node.position, f"{name} is {shown(node)}: write a list, each item after a `- `")
    if not node.items:
        raise RefusedError(node.position, f"{name} is an empty list: it needs an item")
    return node


def _is_misspelled(key: str, mapping: MappingNode, readers: Mapping[str, ReadValue]) -> bool:
    """Whether an unknown key, which is complained of anyway, is this one misspelled."""
    strange = [known for known in mapping.keys if known not in readers]
    return any(get_close_matches(unknown, readers, n=1) == [key] for unknown in strange)
