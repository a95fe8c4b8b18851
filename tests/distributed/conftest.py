"""Without Ray, what starts its workers is not even looked at."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("ray") else ["test_ray*.py"]
