"""The nightly load of intensive care stays into the warehouse."""
