"""An HTTP connection under watch."""

from __future__ import annotations

from pytest_resilience.proxy.faults.conversation import Conversation
from pytest_resilience.proxy.faults.http.replies import HttpReplies
from pytest_resilience.proxy.faults.http.requests import HttpRequests
from pytest_resilience.proxy.faults.http.shared import HttpShared
from pytest_resilience.proxy.faults.plumbing import Plumbing
from pytest_resilience.proxy.faults.watch import Watch
from pytest_resilience.proxy.inspector import InspectedLink


def inspect_http(link: InspectedLink, watch: Watch) -> Conversation:
    """Return the inspector of one HTTP connection."""
    conversation = Conversation(link, watch)
    shared = HttpShared(link.number, watch, link.to_client, conversation.cut)
    conversation.requests = HttpRequests(conversation, Plumbing.to_server(link), shared)
    conversation.replies = HttpReplies(conversation, Plumbing.to_client(link), shared)
    return conversation
