"""Accounts, keys, tiers and the audit as those who administer them see them."""
