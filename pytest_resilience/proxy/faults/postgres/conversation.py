"""A PostgreSQL connection under watch."""

from __future__ import annotations

from pytest_resilience.proxy.faults.conversation import Conversation
from pytest_resilience.proxy.faults.plumbing import Plumbing
from pytest_resilience.proxy.faults.postgres.points import PostgresPoints
from pytest_resilience.proxy.faults.postgres.replies import PostgresReplies
from pytest_resilience.proxy.faults.postgres.requests import PostgresRequests
from pytest_resilience.proxy.faults.postgres.shared import PostgresShared
from pytest_resilience.proxy.faults.watch import Watch
from pytest_resilience.proxy.inspector import InspectedLink


def inspect_postgres(link: InspectedLink, watch: Watch) -> Conversation:
    """Return the inspector of one PostgreSQL connection."""
    conversation = Conversation(link, watch)
    shared = PostgresShared(link.to_server, link.to_client)
    conversation.at_end = shared.closed
    points = PostgresPoints(link.number, watch, shared.session)
    conversation.requests = PostgresRequests(conversation, Plumbing.to_server(link), shared, points)
    conversation.replies = PostgresReplies(conversation, Plumbing.to_client(link), shared, points)
    return conversation
