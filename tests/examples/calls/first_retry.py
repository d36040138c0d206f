import os

import requests

from pytest_resilience import http_timeout, retry


@retry(deadline=30, dependency="labs")
def fetch_labs(stay_id):
    """Fetch a stay's laboratory values."""
    answer = requests.get(f"{os.environ['LABS_URL']}/stays/{stay_id}", timeout=http_timeout(5))
    answer.raise_for_status()
    return answer.json()
