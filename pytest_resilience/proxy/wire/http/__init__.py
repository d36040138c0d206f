"""HTTP/1.1, without any input or output."""
