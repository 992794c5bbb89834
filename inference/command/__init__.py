"""`tessera model`: what can be done about models on this machine."""
