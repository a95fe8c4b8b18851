"""Frozen data as JSON, which knows no NaN."""

from __future__ import annotations

import dataclasses
import json
from base64 import b64encode


def as_json(data):
    return json.loads(
        json.dumps(dataclasses.asdict(data), default=lambda b: b64encode(b).decode(),
                   allow_nan=False)
    )  # fmt: skip
