"""PostgreSQL's protocol, version 3, without any input or output."""
