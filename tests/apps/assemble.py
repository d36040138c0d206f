"""Put a sample application together: the sound one it is made from, and the files in which it differs.

    python tests/apps/assemble.py NAME FOLDER

A sound application's folder is all of it. A fragile one's holds only what is different, so that its mistake is all
there is to read; a file that is missing on purpose is named in the catalogue.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from catalogue import APPS, FOLDER, App

NOT_COPIED = shutil.ignore_patterns("__pycache__", "resilience-report", "*.pyc")


def assemble(app: App, folder: Path) -> Path:
    """Write the application into a folder, which is made, and return it."""
    layers = [app.name] if app.base is None else [app.base, app.name]
    for layer in layers:
        shutil.copytree(FOLDER / layer, folder, dirs_exist_ok=True, ignore=NOT_COPIED)
    for path in app.without:
        (folder / path).unlink()
    return folder


if __name__ == "__main__":
    assemble(APPS[sys.argv[1]], Path(sys.argv[2]))
