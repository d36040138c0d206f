"""Toxiproxy's toxics, one file each."""
