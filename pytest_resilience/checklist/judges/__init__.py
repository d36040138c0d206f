"""What each item says of the runs that were seen: from records to evidence, nothing is started here."""
