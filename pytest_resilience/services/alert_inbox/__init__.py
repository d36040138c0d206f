"""Captured alert endpoints: PagerDuty Events v2, a Slack incoming webhook and an SMTP server, on loopback.

Code under test sends its alerts here instead of to people; what it sent is judged by the rules of the real
services and kept. Reading order: `inbox` (the three together), `endpoint` (what one of them keeps), `fault`
(down, hang, respond), `listener` (a port that can be closed and opened), `http`, then the rules: `pagerduty`,
`slack`, `smtp`.
"""

from pytest_resilience.services.alert_inbox.endpoint import Accepted, AcceptedEmail, Endpoint, Rejected
from pytest_resilience.services.alert_inbox.fault import EndpointFault
from pytest_resilience.services.alert_inbox.inbox import AlertInbox

__all__ = ["Accepted", "AcceptedEmail", "AlertInbox", "Endpoint", "EndpointFault", "Rejected"]
