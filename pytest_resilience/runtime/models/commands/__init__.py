"""The command line about models: `python -m pytest_resilience deploy | rollback | ledger MODEL`."""
