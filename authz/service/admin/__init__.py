"""What can be administered: accounts, keys, tiers, peppers and the audit."""
