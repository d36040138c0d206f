"""Register and promote a first model, so that the registry begins with a champion."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from icu_platform.train import main  # noqa: E402 - the platform is found beside this file

if __name__ == "__main__":
    sys.exit(main(["--training-id", "first"]))
