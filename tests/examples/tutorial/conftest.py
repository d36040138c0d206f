"""The tutorial's own test belongs to its reader's project: `test_tutorial.py` runs it there."""

collect_ignore = ["test_book.py"]
