"""What is installed: locked, with hashes, and without naming any registry."""
