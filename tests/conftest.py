from __future__ import annotations

import os

os.environ["GRAPHFLOW_VERIFY"] = "1"  # every pass is followed by the verifier
