"""What the public API says; pure, and imported by everything that must agree on it."""
