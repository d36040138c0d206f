"""What all tests share: pytest's own test bench for plugins."""

pytest_plugins = ["pytester"]
