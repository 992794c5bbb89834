"""What runs inside Triton: token ids in, unit vectors out."""
