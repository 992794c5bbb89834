"""How others speak to authz; the only place that knows gRPC and the wire messages."""
