"""Register a first model and promote it, so that the registry begins with a champion."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from icu_platform.breast_cancer import MODEL_NAME
from icu_platform.train import main
from pytest_resilience import deploy_model_with_rollback


def train_and_promote() -> int:
    """Return the exit status: 0 when the champion serves."""
    if main(["--training-id", "first"]) != 0:
        return 1
    result = deploy_model_with_rollback(MODEL_NAME, "1")
    if result["status"] != "success":
        sys.stderr.write(f"The model could not be promoted: {result['error']}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(train_and_promote())
