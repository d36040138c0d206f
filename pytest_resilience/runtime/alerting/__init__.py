"""Alerts that are not lost: rules say which channels, a durable outbox keeps each until a channel has confirmed it.

Reading order: `router` (the way in), `rules`, `alert`, `outbox` (what survives a crash), `group_commit`,
`courier` (delivery threads), `storm` (when many become one), `channel` and one file for each channel,
`configuration` (environment and TOML), `process` (one courier a process; forks and exits).
"""
