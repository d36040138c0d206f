pytest --chaos test_book.py
