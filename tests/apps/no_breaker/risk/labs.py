"""The laboratory's interface: requests with urllib3's retries."""

import json
import os
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

CONNECT, READ, WHOLE = 0.5, 0.8, 4.0
PASSING = (429, 500, 502, 503, 504)


class LabsError(Exception):
    """The laboratory has not answered; `code` is its HTTP status where there was one."""

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.operation = "read laboratory values"
        self.resource = "labs"


class LabsRefusedError(LabsError):
    """It has answered, and will say the same the next time."""


_retries = Retry(
    total=4,
    backoff_factor=0.1,
    backoff_jitter=0.1,
    backoff_max=3,
    status_forcelist=PASSING,
    allowed_methods={"GET"},
    respect_retry_after_header=True,
    raise_on_status=False,
)
_session = requests.Session()
_session.mount("http://", HTTPAdapter(max_retries=_retries))
_session.mount("https://", HTTPAdapter(max_retries=_retries))


def latest(bed: int) -> dict[str, float]:
    """Return a bed's latest values.

    Raises:
        LabsError: there are none to be had.
    """
    try:
        with _session.get(
            f"{os.environ['LABS_URL']}/beds/{bed}/latest",
            headers={"Authorization": f"Bearer {os.environ.get('LABS_TOKEN', '')}"},
            timeout=(CONNECT, READ),
            stream=True,
        ) as response:
            status = response.status_code
            if status in PASSING:
                raise LabsError(
                    f"GET /beds/{bed}/latest failed at service labs: status {status}", code=str(status)
                )
            if status != 200:
                raise LabsRefusedError(
                    f"GET /beds/{bed}/latest was refused by service labs: status {status}, check LABS_TOKEN",
                    code=str(status),
                )
            return _values(response)
    except requests.RequestException as error:
        raise LabsError(f"GET /beds/{bed}/latest failed: service labs could not be reached") from error
    except (ValueError, KeyError, TypeError) as error:
        raise LabsError(f"GET /beds/{bed}/latest failed: service labs did not send values") from error


def _values(response: requests.Response) -> dict[str, float]:
    until = time.monotonic() + WHOLE
    body = b""
    for chunk in response.iter_content(2048):
        body += chunk
        if time.monotonic() > until:
            raise requests.ReadTimeout("the body came too slowly")
    answer: dict[str, Any] = json.loads(body)
    return {name: float(answer[name]) for name in ("lactate", "creatinine")}
