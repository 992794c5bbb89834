"""Our wire-compatible subset of Envoy's messages."""
