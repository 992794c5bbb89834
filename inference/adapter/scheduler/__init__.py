"""Which rows of which requests run next: pure decisions, without a clock and without I/O."""
