"""An HTTP endpoint that answers and keeps requests by the rules of the service that it stands for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pytest_resilience.services.alert_inbox.endpoint import Accepted, Endpoint
from pytest_resilience.services.alert_inbox.fault import EndpointFault
from pytest_resilience.services.alert_inbox.http import Request, Response, http_protocol
from pytest_resilience.services.alert_inbox.judgement import Judge


class Webhook:
    """Judge each request, unless a fault answers in the service's place.

    Args:
        endpoint: keeps what was sent.
        judge: the service's rules.
        fault_body: what the service says with an error status.
    """

    def __init__(
        self, endpoint: Endpoint[Accepted], judge: Judge, fault_body: Callable[[int], bytes]
    ) -> None:
        self._endpoint = endpoint
        self._judge = judge
        self._fault_body = fault_body

    def protocol(self) -> asyncio.BaseProtocol:
        """Make the protocol of one connection, on the running loop."""
        return http_protocol(self._answer)

    async def _answer(self, request: Request) -> Response:
        fault = self._endpoint.fault
        return self._judged_answer(request) if fault is None else await self._faulty_answer(fault)

    def _judged_answer(self, request: Request) -> Response:
        judgement = self._judge(request)
        response, body = judgement.response, judgement.body
        if judgement.reasons:
            self._endpoint.reject(status=response.status, reasons=judgement.reasons, body=body)
        else:
            self._endpoint.accept(lambda at: Accepted(at=at, body=body, headers=request.headers))
        return response

    async def _faulty_answer(self, fault: EndpointFault) -> Response:
        self._endpoint.meet(fault)
        if fault.status is None:
            await fault.healed.wait()
            raise ConnectionResetError("the endpoint hung until the fault was healed")
        body = self._fault_body(fault.status) if fault.body is None else fault.body
        return Response(fault.status, body, fault.headers)
