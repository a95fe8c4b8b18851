"""Branches, loops and scans of ONNX models agree with onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import parser

import graphflow as gf
from tests.interop.onnx.running import run

HEAD = '<ir_version: 8, opset_import: ["": 20]>\n'
X = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
SEVERAL_OUTPUTS = """
agraph (float[N,3] x, bool c) => (float[N,3] y, float[N,3] z) <float[3] w = {1, 2, 3}> {
  y, z = If (c) <
    then_branch = t () => (float[N,3] a, float[N,3] b) { a = Mul(x, w) b = Exp(a) },
    else_branch = e () => (float[N,3] p, float[N,3] q) <float[3] v = {4, 5, 6}> {
      p = Add(x, v) q = Mul(p, w) }
  >
}"""
COLLECTING = """
agraph (float[2,3] x, int64 n) => (float[2,3] y, float[K,2,3] ys) {
  on = Constant <value = bool {1}> ()
  y, ys = Loop (n, on, x) <
    body = b (int64 i, bool go, float[2,3] v) => (bool stay, float[2,3] w, float[2,3] s) {
      stay = Identity(go) two = Constant <value = float {2.0}> () w = Mul(v, two)
      f = Cast <to = 1> (i) s = Add(w, f) }
  >
}"""
BACKWARDS = """
agraph (float[2,3] x, float[3] h) => (float[3] last, float[2,3] ys, float[3,2] xs) {
  last, ys, xs = Scan <
    num_scan_inputs = 1, scan_input_directions = [1], scan_output_directions = [1, 0],
    scan_output_axes = [0, 1],
    body = b (float[3] s, float[3] e) => (float[3] t, float[3] o, float[3] k) {
      t = Add(s, e) o = Identity(t) k = Identity(e) }
  > (h, x)
}"""
WORDS = """
agraph (float[N,3] x) => (float[N,3] y, float[N,3] relu, float[N,3] sum) {
  relu = Relu(x) sum = Add(relu, x) y = Identity(x)
}"""


@pytest.mark.parametrize(
    ("text", "feed", "known"),
    [
        (SEVERAL_OUTPUTS, {"x": X, "c": np.array(True)}, ()),
        (SEVERAL_OUTPUTS, {"x": X, "c": np.array(False)}, ()),
        (SEVERAL_OUTPUTS, {"x": X, "c": np.array(False)}, ("c",)),
        (COLLECTING, {"x": X, "n": np.array(4)}, ("n",)),
        (BACKWARDS, {"x": X, "h": np.ones(3, np.float32)}, ()),
        (WORDS, {"x": X}, ()),
    ],
    ids=["then", "else", "known", "loop", "scan", "names of functions"],
)
def test_results_agree(text, feed, known):
    proto = parser.parse_model(HEAD + text)
    expected = run(proto, feed)
    program = gf.from_onnx(proto, values={name: feed[name] for name in known}).compile()
    found = program({name: value for name, value in feed.items() if name not in known}).values
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6)
