from __future__ import annotations

import os
import signal

# A shell that starts us in the background has us ignore Ctrl-C, and all that we start.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["GRAPHFLOW_VERIFY"] = "1"  # every pass is followed by the verifier
