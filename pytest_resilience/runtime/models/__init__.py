"""Models in production: the registry they come from, their health, the server that predicts with them."""
