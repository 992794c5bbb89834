"""What was served: charges, what becomes of them, and their sums."""
