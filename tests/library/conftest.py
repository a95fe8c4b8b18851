"""Without PyTorch, what imports it is not even looked at."""

from __future__ import annotations

from importlib.util import find_spec

NEEDS_TORCH = ["make_records.py", "test_live.py", "torch_cases.py", "torch_losses.py"]
collect_ignore = [] if find_spec("torch") else NEEDS_TORCH
