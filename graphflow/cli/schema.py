"""``graphflow schema``: the JSON Schema of graph files."""

from __future__ import annotations

import json

from graphflow.cli.output import GOOD

NAME = "schema"


def command() -> int:
    """Print the JSON Schema of graph files, for editors."""
    from graphflow.api import loads
    from graphflow.spec.json_schema import schema

    elaborated = loads("{graphflow: 1, name: empty, nodes: {y: 0}}").elaborated
    print(json.dumps(schema(elaborated.functions), indent=2))
    return GOOD
