"""Tessera's own wire formats, one folder per API."""
