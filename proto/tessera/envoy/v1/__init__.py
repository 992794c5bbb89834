"""Version 1: what Envoy calls version 3 of its transport API."""
