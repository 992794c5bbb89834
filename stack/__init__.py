"""One machine, one command: PostgreSQL, Triton, Envoy and our processes, started and supervised."""
