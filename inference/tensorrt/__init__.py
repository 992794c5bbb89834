"""Compiles the model's graph into plans, with TensorRT or TensorRT-RTX, and keeps them."""
