"""Is the graph right? Golden values, gradients, determinism, precision."""
