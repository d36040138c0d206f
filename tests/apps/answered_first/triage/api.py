"""What is asked: how urgent a patient is, at once, and later what to do."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import BackgroundTasks, FastAPI, Request
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
    app.state.guidelines, app.state.pager, app.state.advice = Guidelines(), Pager(), {}
    delivering = asyncio.create_task(app.state.pager.deliver())
    yield
    delivering.cancel()
    await app.state.guidelines.close()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    """Say that the service is there."""
    return {"status": "ok"}


@app.post("/triage", status_code=202)
async def triage(vitals: Vitals, request: Request, later: BackgroundTasks) -> dict[str, str]:
    """Return how urgent it is at once, and a reference under which the guidelines' advice is kept."""
    level = "red" if vitals.systolic < 90 or vitals.pulse > 140 else "green"
    reference = uuid.uuid4().hex
    later.add_task(look_up, request.app, level, reference)
    return {"level": level, "reference": reference}


@app.get("/advice/{reference}")
async def advice(reference: str, request: Request) -> dict[str, str | None]:
    """Return what was looked up; none as long as nothing was."""
    return {"advice": request.app.state.advice.get(reference)}


async def look_up(app: FastAPI, level: str, reference: str) -> None:
    """Ask for advice after the answer; log and alert where there is none."""
    try:
        app.state.advice[reference] = await app.state.guidelines.advice(level)
    except GuidelinesError as error:
        log.error(
            f"{error}; see runbooks/guidelines.md", request_id=reference, attempt="last", **facts(error)
        )
        app.state.pager.trigger(error.status)
