"""Ingest a file: `DATABASE_URL=postgresql://… python -m icu_platform.ingest FILE`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from icu_platform.ingestion_agent import DataIngestionAgent
from icu_platform.process import database_url, start_process


def main(arguments: Sequence[str] | None = None) -> int:
    """Ingest; return 0 when every row is in the table, 1 when not, 2 for a wrong call."""
    parser = argparse.ArgumentParser(prog="python -m icu_platform.ingest", description=__doc__)
    parser.add_argument("file", help="a CSV file with a header")
    parser.add_argument("--table", default="raw.icustays", help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=1_000, help="rows a batch (default %(default)s)")
    parser.add_argument("--wait", type=float, default=5.0, help="seconds before reconnecting")
    parser.add_argument(
        "--max-retries", type=int, default=3, help="tries before on-call is paged (default %(default)s)"
    )
    parser.add_argument("--probe-every", type=float, default=15.0, help="seconds between tries while paused")
    parser.add_argument("--max-pause", type=float, default=600.0, help="seconds after which it gives up")
    parser.add_argument(
        "--max-losses", type=int, default=10, help="losses after which it gives up (default %(default)s)"
    )
    parser.add_argument(
        "--timeout", type=float, default=60.0, help="seconds for a batch (default %(default)s)"
    )
    options = parser.parse_args(arguments)
    dsn = database_url(parser)
    start_process()
    agent = DataIngestionAgent(
        dsn,
        wait=options.wait,
        max_retries=options.max_retries,
        probe_every=options.probe_every,
        max_pause=options.max_pause,
        max_losses=options.max_losses,
        batch_size=options.batch_size,
        timeout=options.timeout,
    )
    result = agent.execute({"source_file": options.file, "target_table": options.table})
    return 0 if result.is_success() else 1


if __name__ == "__main__":
    sys.exit(main())
