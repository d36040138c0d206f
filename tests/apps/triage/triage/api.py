"""What is asked: how urgent a patient is, and what to do."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from triage.guidelines import Guidelines, GuidelinesError, facts
from triage.pager import Pager

log = structlog.get_logger("triage")


class Vitals(BaseModel):
    """What was measured."""

    bed: str
    pulse: int
    systolic: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the client and the pager as long as the service runs."""
    app.state.guidelines, app.state.pager = Guidelines(), Pager()
    delivering = asyncio.create_task(app.state.pager.deliver())
    yield
    delivering.cancel()
    await app.state.guidelines.close()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    """Say that the service is there."""
    return {"status": "ok"}


@app.post("/triage")
async def triage(vitals: Vitals, request: Request) -> dict[str, str]:
    """Return how urgent it is, and what the guidelines say."""
    level = "red" if vitals.systolic < 90 or vitals.pulse > 140 else "green"
    return {"level": level, "advice": await request.app.state.guidelines.advice(level)}


@app.exception_handler(GuidelinesError)
async def unavailable(request: Request, error: GuidelinesError) -> JSONResponse:
    """Answer 503 with what happened, log it, and alert."""
    reference = uuid.uuid4().hex
    log.error(f"{error}; see runbooks/guidelines.md", request_id=reference, attempt="last", **facts(error))
    request.app.state.pager.trigger(error.status)
    content = {"error": str(error), "reference": reference, "next": "try again in 5 s, or triage by hand"}
    return JSONResponse(content, status_code=503, headers={"Retry-After": "5"})
