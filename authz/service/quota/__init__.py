"""Charges requests: from leases in memory, and from the ledger where none is held."""
