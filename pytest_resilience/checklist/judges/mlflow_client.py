"""What to set where MLflow's client makes the calls: its limits are no arguments, but variables of the environment.

They stand in MLflow's `environment_variables.py`; `utils/rest_utils.py` and `utils/request_utils.py` use them: each
request has that time to connect and of silence, all methods are tried again, and `Retry-After` is waited for without a
limit.
"""

from __future__ import annotations

_LATE = (
    "MLFLOW_HTTP_REQUEST_TIMEOUT (120 where it is not set) bounds connecting and silence of each request, "
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES (7) how often it is sent again, and with "
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER=false it does not sleep for as long as a Retry-After says; none of them "
    "ends a reply that trickles, so that the call wants to be made in a thread or process whose result is waited for "
    "no longer than the deadline"
)
_EARLY = (
    "it keeps Retry-After where it tries again itself (MLFLOW_HTTP_REQUEST_MAX_RETRIES above 0, and "
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER not false); with 0 retries its exception has lost the header, so that a "
    "retry around it cannot know how long to wait"
)
_REPEATED = (
    "it sends each request again by itself, POST too: set MLFLOW_HTTP_REQUEST_MAX_RETRIES=0, and try again around it "
    "what may be done twice"
)
_LAYERS = (
    "it retries 7 times by itself: set MLFLOW_HTTP_REQUEST_MAX_RETRIES=0 where you retry around it, or retry nowhere "
    "else"
)
ADVICE = (
    (r"\bdeadline\b|\bwas still waiting after\b|\bcalls never came back\b", _LATE),
    (r"\bRetry-After\), the next attempt came after\b", _EARLY),
    (r"\bwas sent (?:again|\d+ times)\b.*\banswer was lost\b", _REPEATED),
    (r"\blayers that retry\b", _LAYERS),
)
"""By what a reason says, what to set."""
WHOSE = "MLflow's client"
