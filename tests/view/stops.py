"""A small model with a loop that is walked inside, and two calls that are drawn as groups: one
shares its name with a node."""

from graphflow.view.workspace import Workspace

MODEL = """
graphflow: 1
name: stops
inputs: {x: [3]}
params: {w: {shape: [], init: 0.5}}
blocks:
  curve:
    inputs: [u]
    nodes:
      double: 2 * u
      more: double + 1
      bent: more * double
    outputs: [bent]
nodes:
  sums:
    scan: {x_t: x}
    carry: {s: 0.0}
    nodes:
      now: w * s + x_t
    next: {s: now}
    collect: [now]
  y: curve(sums.now)
  z: linear(y, 2)
  f: sum(z)
outputs: [f]
check:
  - {feed: {x: [1, 2, 3]}, expect: {f: 0}}
"""
WALKED = Workspace(text=MODEL, unrolled=("sums",))
