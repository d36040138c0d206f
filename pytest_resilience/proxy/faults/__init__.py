"""Faults at exact messages: what the engine does beyond Toxiproxy; `API.md` beside this file is its API."""
