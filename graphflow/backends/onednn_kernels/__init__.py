"""Kernels of oneDNN, beside Numba's: ``rules`` holds the backend, ``library`` is met first."""
