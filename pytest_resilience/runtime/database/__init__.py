"""What the runtime knows of databases and their drivers; no driver is imported before it is needed."""
