"""Run one container for as long as this process lives, and remove it whatever ends the run.

Run under a guardian, as `python -m pytest_resilience.services.container_keeper FILE`, where FILE holds, as JSON, what
the Docker SDK's `containers.create` takes; it may be a secret, and is removed when it was read. The keeper hands the
container's log on to its standard output, removes the container when SIGTERM comes, and ends when the container does.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from pytest_resilience.errors import HarnessError
from pytest_resilience.services.container import remove_container
from pytest_resilience.services.docker_engine import Asked, docker_engine

_ASKED = Asked("a container", instead="embedded services")


def main(order: dict[str, Any]) -> int:
    """Run the container until it ends or SIGTERM comes, and remove it."""
    from docker.errors import DockerException

    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: over.set())
    try:
        with docker_engine(_ASKED) as engine:
            _run(engine.containers.create(**_settings(order)), over)
    except (HarnessError, DockerException, OSError) as error:
        sys.stdout.write(f"the container {order['name']} of {order['image']} failed: {error}\n")
        return 1
    return 0


def _run(container: Any, over: threading.Event) -> None:
    try:
        if not over.is_set():
            container.start()
            threading.Thread(target=_hand_on_log, args=(container, over), daemon=True).start()
            over.wait()
    finally:
        remove_container(container)


def _settings(order: dict[str, Any]) -> dict[str, Any]:
    """Return the order with its ports as the SDK takes them: `(address, port)`, where a list would mean several."""
    return {**order, "ports": {port: tuple(place) for port, place in order.get("ports", {}).items()}}


def _read(file: Path) -> dict[str, Any]:
    order: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    file.unlink()
    return order


def _hand_on_log(container: Any, over: threading.Event) -> None:
    try:
        for piece in container.logs(stream=True, follow=True):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    finally:
        over.set()


if __name__ == "__main__":
    sys.exit(main(_read(Path(sys.argv[1]))))
