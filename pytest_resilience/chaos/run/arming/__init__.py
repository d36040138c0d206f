"""Orders become faults: each is armed before or during the run, heals by itself or at the end, and leaves receipts.

Reading order: `order` (a trigger as the engine takes it), `held` (messages that wait for us), `timing` (now, later,
for how long), then the three that act: `network`, `message`, `process`; `arm` picks one.
"""
