"""Usage as it is asked for: in buckets of time, by account, key and model."""
