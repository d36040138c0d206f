"""A CSV file into a PostgreSQL table, exactly once: the file, the table, and the way between them."""
