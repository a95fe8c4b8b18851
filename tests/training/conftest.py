"""Without PyTorch, what imports it is not even looked at."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["test_live*.py"]
