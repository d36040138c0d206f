import json
import logging
import sys

from pytest_resilience import (
    ResilienceError,
    StructuredErrorLogger,
    ingest_data_with_checkpoint,
    retry_with_exponential_backoff,
)


class Json(logging.Formatter):
    def format(self, record):
        text = record.getMessage()
        if text.startswith("{"):  # of StructuredErrorLogger
            return text
        return json.dumps({"level": record.levelname, "logger": record.name, "message": text})


def main():
    handler = logging.StreamHandler()
    handler.setFormatter(Json())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    try:
        retry_with_exponential_backoff(
            lambda: ingest_data_with_checkpoint("stays.csv", "stays", timeout=5),
            base_delay=0.5,
            operation="load stays",
        )
    except ResilienceError as error:
        context = {"operation": "load stays", "component": "database", "resource": "stays", "attempt": 4}
        StructuredErrorLogger("load").log_error(error, context, "CRITICAL")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
