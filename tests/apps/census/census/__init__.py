"""Which bed was whose, day by day."""
