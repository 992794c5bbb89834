"""Receives reports of leaked keys, and has the keys revoked through the admin API."""
