"""The catalogues of libraries: what they look like, and how they are read."""
