"""The folder that Triton serves from, generated from a checkpoint."""
