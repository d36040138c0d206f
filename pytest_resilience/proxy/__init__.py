"""The fault-injecting proxy: a process of its own that speaks Toxiproxy's API."""
