"""What the tests of the plugin share."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = str(Path(__file__).parent)
if HERE not in sys.path:  # modules of tests are imported by name, whatever pytest's import mode
    sys.path.append(HERE)
