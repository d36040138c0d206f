"""A small web service: how urgent is it, and what is to be done."""
