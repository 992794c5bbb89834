"""The OpenAI face of the model: HTTP in, Triton requests out."""
