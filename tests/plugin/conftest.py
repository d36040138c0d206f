"""What the tests of the plugin share."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in map(str, (HERE, HERE.parent / "services")):
    if folder not in sys.path:  # modules of tests are imported by name, whatever pytest's import mode
        sys.path.append(folder)
