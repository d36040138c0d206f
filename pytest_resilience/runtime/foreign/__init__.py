"""What foreign libraries raise, and what it means: tables of data, one file a library, none of them imported."""
