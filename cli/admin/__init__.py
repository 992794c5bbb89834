"""The commands that administer accounts, keys, tiers and peppers over the admin API."""
