"""The subcommands about reports."""
