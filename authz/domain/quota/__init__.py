"""How much an account may still do: exact limits, charged by many processes, without I/O."""
