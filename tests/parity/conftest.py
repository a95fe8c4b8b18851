"""Without PyTorch, what imports it is not even looked at."""

from __future__ import annotations

from importlib.util import find_spec

NEEDS_TORCH = ["make_records.py", "test_*live.py", "torch_*.py"]
collect_ignore_glob = [] if find_spec("torch") else NEEDS_TORCH
