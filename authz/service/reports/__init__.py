"""Usage, for the accounts whose it is."""
