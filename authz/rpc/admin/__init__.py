"""The admin API on the wire."""
