"""Remove a run's proxies from a Toxiproxy that is not ours, whatever ended the run.

Run under a guardian, as `python -m pytest_resilience.services.toxiproxy_keeper HOST PORT PREFIX`: it waits
for SIGTERM, and then deletes the proxies whose names begin so. Nothing else there is touched.
"""

from __future__ import annotations

import signal
import sys

from pytest_resilience.services.toxiproxy_client import EngineError, ToxiproxyClient


def main(host: str, port: str, prefix: str) -> int:
    """Wait, then clean up."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    sys.stdout.write(f"keeping the proxies {prefix}* at {host}:{port}\n")
    sys.stdout.flush()
    signal.sigwait({signal.SIGTERM})
    client = ToxiproxyClient(host, int(port))
    try:
        for name in client.proxies():
            if name.startswith(prefix):
                client.delete_proxy(name)
    except EngineError as error:
        sys.stdout.write(f"could not remove our proxies: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
