"""Run the fault proxy: `python -m pytest_resilience.proxy`."""

from __future__ import annotations

from pytest_resilience.proxy.server import main

raise SystemExit(main())
