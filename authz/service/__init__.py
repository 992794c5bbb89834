"""What authz does, step by step, over ports that storage and rpc fill."""
