"""What is true of keys, tiers and quotas; no I/O."""
