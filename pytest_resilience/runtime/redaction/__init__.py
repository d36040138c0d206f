"""Keep patient data and secrets out of every sink: one choke point that all logs and alerts go through.

Reading order: `redactor` (the choke point), `rule`, then what it looks for: `keys` (names of fields), `fields` and
`named` (what stands behind them in text), `postgres`, `credentials`, `values`, `identifiers`, `judgement` (free text),
`vocabulary` (words that may pass).
"""

from pytest_resilience.runtime.redaction.redactor import DEFAULT_REDACTOR, RULES, Redactor
from pytest_resilience.runtime.redaction.rule import Rule

__all__ = ["DEFAULT_REDACTOR", "RULES", "Redactor", "Rule"]
