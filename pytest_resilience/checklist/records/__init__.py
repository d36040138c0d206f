"""Runs read for the judges: log lines, tracebacks, attempts on the wire."""
