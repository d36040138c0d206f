"""Train and register a model: `MLFLOW_TRACKING_URI=http://… python -m icu_platform.train FILE`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from icu_platform.data import write_breast_cancer
from icu_platform.process import start_process
from icu_platform.training_agent import TrainingAgent


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, and return the exit status: 0 when a version is registered, 1 when not."""
    parser = argparse.ArgumentParser(prog="python -m icu_platform.train", description=__doc__)
    parser.add_argument(
        "file", nargs="?", type=Path, help="the table as CSV; default: the one of scikit-learn"
    )
    parser.add_argument("--training-id", help="the same id registers one version, however often it is run")
    options = parser.parse_args(arguments)
    start_process()
    with TemporaryDirectory(prefix="icu-platform-") as folder:
        source = options.file or write_breast_cancer(Path(folder) / "breast_cancer.csv")
        result = TrainingAgent().execute({"source_file": source, "training_id": options.training_id})
    return 0 if result.is_success() else 1


if __name__ == "__main__":
    sys.exit(main())
