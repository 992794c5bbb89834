"""The model as an ONNX graph, written straight from its checkpoint."""
