"""From text to vectors: the OpenAI adapter, and the model it serves on Triton."""
