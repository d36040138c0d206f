"""SQL, as far as the proxy has to understand it."""
