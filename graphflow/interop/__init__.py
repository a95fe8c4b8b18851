"""Models that travel: ONNX in and out, PyTorch and NumPy source out, weights by name."""
