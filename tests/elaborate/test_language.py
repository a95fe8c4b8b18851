"""Rules of the language, each seen through what it computes."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf

HEAD = "graphflow: 1\nname: t\n"


def model(body: str, **overrides: object) -> gf.Model:
    return gf.loads(HEAD + body, overrides)


def run(body: str, of: str, **feed: object) -> np.ndarray:
    return model(body).compile(of=of, dtype="float64")(feed).values[of]


def codes(body: str) -> list[str]:
    with pytest.raises(gf.GraphflowError) as caught:
        model(body)
    return [d.code for d in caught.value.diagnostics]


def test_arithmetic_follows_numpy():
    body = "inputs: {x: {shape: [3]}}\nnodes: {y: (2 * x + 1) ** 2 / 4 - x % 2}\n"
    x = np.array([1.0, 2.0, 3.5])
    np.testing.assert_allclose(run(body, "y", x=x), (2 * x + 1) ** 2 / 4 - x % 2)


def test_unpacking_and_lists():
    body = (
        "inputs: {x: {shape: [4, 2]}}\nnodes:\n  a, b: split(x, 2, axis=0)\n  y: concat([b, a])\n"
    )
    x = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(run(body, "y", x=x), np.concatenate([x[2:], x[:2]]))


def test_slices_index_and_new_axes():
    body = "inputs: {x: {shape: [3, 4]}}\nnodes: {y: 'x[1:, None, ::-1]', z: 'x[..., -1]'}\n"
    x = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(run(body, "y", x=x), x[1:, None, ::-1])
    np.testing.assert_array_equal(run(body, "z", x=x), x[..., -1])


def test_a_tensor_as_first_index_takes_rows():
    body = "inputs: {x: {shape: [3, 2]}, i: {shape: [N], dtype: int}}\nnodes: {y: 'x[i]'}\n"
    x = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(run(body, "y", x=x, i=[2, 0]), x[[2, 0]])


PIPELINE = """
inputs: {x: {shape: [B, 5]}}
nodes:
  y:
    from: x
    through:
      - linear(4, activation=tanh)
      - repeat: 2
        through:
          - linear(4)
          - relu
      - _ * 2 + 1
outputs: [y]
"""
LONG = """
inputs: {x: {shape: [B, 5]}}
params:
  y.linear1.weight: {shape: [4, 5], init: zeros}
  y.linear1.bias: {shape: [4], init: zeros}
  y.0.linear1.weight: {shape: [4, 4], init: zeros}
  y.0.linear1.bias: {shape: [4], init: zeros}
  y.1.linear1.weight: {shape: [4, 4], init: zeros}
  y.1.linear1.bias: {shape: [4], init: zeros}
nodes:
  a: tanh(x @ transpose(y.linear1.weight) + y.linear1.bias)
  b: relu(a @ transpose(y.0.linear1.weight) + y.0.linear1.bias)
  c: relu(b @ transpose(y.1.linear1.weight) + y.1.linear1.bias)
  y: c * 2 + 1
outputs: [y]
"""


def test_pipeline_and_mathematics_agree():
    pipeline, long = model(PIPELINE), model(LONG)
    assert list(pipeline.parameters) == list(long.parameters)
    for name in long.parameters:
        long.parameters[name] = pipeline.parameters[name]
    x = np.random.default_rng(0).standard_normal((3, 5))
    np.testing.assert_array_equal(
        pipeline.compile()({"x": x}).values["y"], long.compile()({"x": x}).values["y"]
    )


def test_repeat_shares_parameters_only_when_told():
    body = """
inputs: {x: {shape: [B, 3]}}
nodes:
  y:
    from: x
    through: [{repeat: 3, share: SHARE, through: ["linear(3)"]}]
"""
    assert len(model(body.replace("SHARE", "true")).parameters) == 2
    assert len(model(body.replace("SHARE", "false")).parameters) == 6


def test_repeat_zero_times_passes_through():
    body = (
        "inputs: {x: {shape: [2]}}\nnodes: {y: {from: x, through: [{repeat: 0, through: [exp]}]}}\n"
    )
    np.testing.assert_array_equal(run(body, "y", x=[1.0, 2.0]), [1.0, 2.0])


def test_for_gives_each_turn_its_row():
    body = """
inputs: {x: {shape: [B, 2]}}
nodes:
  y:
    from: x
    through:
      - for: {"width, act": [[3, tanh], [4, relu]]}
        through: ["linear(width, activation=act)"]
"""
    shapes = [p.shape for p in model(body).parameters.values()]
    assert shapes == [(3, 2), (3,), (4, 3), (4,)]


def test_blocks_with_several_outputs_and_block_arguments():
    body = """
blocks:
  pair:
    args: [f, scale=2]
    inputs: [x]
    nodes: {up: f(x) * scale, down: -x}
    outputs: [up, down]
  outer:
    inputs: [x]
    nodes: {p: "pair(x, exp)", out: p.up + p.down}
    outputs: [out]
inputs: {x: {shape: [2]}}
nodes: {y: outer(x)}
"""
    x = np.array([0.5, -1.0])
    np.testing.assert_allclose(run(body, "y", x=x), 2 * np.exp(x) - x)


def test_instances_share_and_types_create():
    body = """
inputs: {x: {shape: [B, 3]}}
layers: {f: linear(3)}
nodes:
  a: f(f(x))
  b: linear(linear(x, 3), 3)
  c: x @ transpose(f.weight)
"""
    names = list(model(body).parameters)
    assert names == ["f.weight", "f.bias", "b.linear.weight", "b.linear.bias", "b.weight", "b.bias"]


def test_an_instance_takes_given_parameters():
    body = """
inputs: {x: {shape: [2]}}
blocks:
  affine:
    inputs: [x]
    params: {w: {shape: scalar, init: ones}}
    nodes: {out: w * x}
    outputs: [out]
layers: {net: affine()}
nodes:
  slow: net(x)
  fast: net(x, params=[net.w * 3])
  y: slow + fast
"""
    np.testing.assert_allclose(run(body, "y", x=[1.0, 2.0]), [4.0, 8.0])


def test_given_weights_and_no_bias():
    body = """
inputs: {x: {shape: [B, 3]}, w: {shape: [2, 3]}}
nodes: {y: "linear(x, weight=w, bias=false)"}
"""
    assert not model(body).parameters
    x, w = np.ones((1, 3)), np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(run(body, "y", x=x, w=w), x @ w.T)


def test_symbols_are_numbers():
    body = "inputs: {x: {shape: [T]}}\nnodes: {y: sum(x * arange(T)) / T, n: sqrt(T)}\n"
    np.testing.assert_allclose(run(body, "y", x=[1.0, 1.0, 1.0, 1.0]), 1.5)
    np.testing.assert_allclose(run(body, "n", x=[0.0] * 9), 3.0)


SCAN = """
inputs: {x: {shape: [T, 2]}}
nodes:
  s:
    scan: {v: x}
    carry: {h: "zeros([2])"}
    nodes: {g: h * 0.5 + v}
    next: {h: g}
    collect: [g]
  y: sum(s.g) + sum(s.final.h)
"""


def test_scan_carries_and_collects():
    x = np.arange(6.0).reshape(3, 2)
    h, total = np.zeros(2), 0.0
    for v in x:
        h = h * 0.5 + v
        total += h.sum()
    np.testing.assert_allclose(run(SCAN, "y", x=x), total + h.sum())


def test_scan_without_a_sequence_and_reversed():
    body = """
inputs: {x: {shape: [3]}}
nodes:
  powers: {scan: {steps: 4}, carry: {p: 1.0}, next: {p: 2 * p}}
  back:
    scan: {v: x}
    reverse: true
    carry: {s: 0.0}
    nodes: {t: s + v}
    next: {s: t}
    collect: [t]
  y: powers.final.p
  z: back.t
"""
    assert run(body, "y", x=[0.0] * 3) == 16
    np.testing.assert_array_equal(run(body, "z", x=[1.0, 2.0, 3.0]), [6.0, 5.0, 3.0])


def test_while_and_cond():
    body = """
inputs: {a: scalar}
nodes:
  root: {while: "abs(x * x - a) > 1e-9", carry: {x: a}, next: {x: (x + a / x) / 2}, max_steps: 50}
  y: {cond: root.x > 1, then: root.x, else: {nodes: {h: root.x / 2}, out: h + 1}}
"""
    assert run(body, "y", a=9.0) == pytest.approx(3.0)
    assert run(body, "y", a=0.25) == pytest.approx(1.25)


def test_random_numbers_in_a_scan_differ_from_turn_to_turn():
    body = """
nodes:
  s: {scan: {steps: 3}, nodes: {n: "normal([2])"}, carry: {c: 0.0}, next: {c: c}, collect: [n]}
  y: s.n
"""
    drawn = run(body, "y")
    assert len(np.unique(drawn)) == 6


def test_derivatives_are_expressions():
    body = """
inputs: {x: {shape: [2]}, v: {shape: [2]}}
nodes:
  f: sum(x ** 3)
  g: gradient(f, x)
  gg: gradient(sum(g * v), x)
  h: hessian(f, x)
  j: jacobian(x * x, x)
  d: jvp(x * x, x, v)
"""
    x, v = np.array([2.0, -1.0]), np.array([1.0, 3.0])
    np.testing.assert_allclose(run(body, "g", x=x, v=v), 3 * x**2)
    np.testing.assert_allclose(run(body, "gg", x=x, v=v), 6 * x * v)
    np.testing.assert_allclose(run(body, "h", x=x, v=v), np.diag(6 * x))
    np.testing.assert_allclose(run(body, "j", x=x, v=v), np.diag(2 * x))
    np.testing.assert_allclose(run(body, "d", x=x, v=v), 2 * x * v)


def test_gradients_of_several_and_inside_blocks():
    body = """
blocks:
  slope: {inputs: [x], nodes: {s: "gradient(sum(x * x * x), x)"}, outputs: [s]}
inputs: {u: scalar, v: scalar}
nodes:
  f: u * u * v
  gu, gv: gradient(f, [u, v])
  y: gu + 10 * gv
  z: slope(u)
"""
    assert run(body, "y", u=3.0, v=2.0) == pytest.approx(12 + 90)
    assert run(body, "z", u=3.0, v=0.0) == pytest.approx(27)


def test_training_is_a_compile_time_choice():
    body = "inputs: {x: {shape: [1000]}}\nnodes: {y: 'dropout(x, 0.5)', z: 1 if training else 2}\n"
    m, x = model(body), np.ones(1000)
    assert (m.compile(of="y")({"x": x}).values["y"] == 1).all()
    dropped = m.compile(of="y", mode="train")({"x": x}).values["y"]
    assert set(np.unique(dropped)) == {0.0, 2.0}


def test_an_input_with_a_default_is_drawn_and_can_be_fed():
    body = "inputs: {z: {shape: [B, 2], default: normal}}\nnodes: {y: z + 0}\n"
    program = model(body).compile(of="y", B=3)
    drawn = program({}).values["y"]
    assert drawn.shape == (3, 2) and drawn.std() > 0
    np.testing.assert_array_equal(program({"z": np.ones((3, 2))}).values["y"], np.ones((3, 2)))


def test_any_node_can_be_fed():
    body = "inputs: {x: scalar}\nnodes: {h: x * 2, y: h + 1}\n"
    assert model(body).compile(of="y")({"x": 1, "h": 10}).values["y"] == 11


def test_use_imports_blocks_of_the_project_only(tmp_path):
    (tmp_path / "blocks").mkdir()
    used = HEAD + "let: {k: 3}\nblocks: {triple: {inputs: [x], nodes: {y: k * x}, outputs: [y]}}\n"
    (tmp_path / "blocks" / "b.yaml").write_text(used)
    main = HEAD + "use: {b: blocks/b.yaml}\ninputs: {x: scalar}\nnodes: {y: b.triple(x)}\n"
    (tmp_path / "m.yaml").write_text(main)
    assert gf.load(tmp_path / "m.yaml").compile(of="y")({"x": 2}).values["y"] == 6
    (tmp_path / "blocks" / "evil.yaml").write_text(main.replace("blocks/b.yaml", "../../x.yaml"))
    with pytest.raises(gf.GraphflowError, match="outside"):
        gf.load(tmp_path / "blocks" / "evil.yaml")


@pytest.mark.parametrize(
    ("nodes", "code"),
    [
        ("{y: x + w}", "GF020"),
        ("{y: nothing(x)}", "GF021"),
        ("{y: 'sum(x, axs=1)'}", "GF022"),
        ("{y: 'dropout()'}", "GF022"),
        ("{relu: x}", "GF024"),
        ("{linear: 'linear(x, 2)'}", "GF024"),
        ("{y: x if x else x}", "GF026"),
        ("{y: x if B > 3 else x}", "GF026"),
        ("{y: x @ x}", "GF030"),
        ("{y: {is: x, shape: [B, 4]}}", "GF032"),
        ("{y: 'sum(x, axis=7)'}", "GF033"),
        ("{y: 2 ** 60}", "GF004"),
        ("{y: 1 / 0}", "GF033"),
        ("{y: {from: x, through: [{repeat: 2000, through: [relu]}]}}", "GF004"),
        ("{y: 'gradient(x, x)'}", "GF050"),
        ("{y: exp}", "GF022"),
        ("{'a, b, c': 'split(x, 2, axis=1)'}", "GF022"),
    ],
)
def test_mistakes_have_codes(nodes: str, code: str):
    assert code in codes(f"inputs: {{x: {{shape: [B, 2]}}}}\nnodes: {nodes}\n")


def test_all_errors_of_a_file_in_one_go():
    body = (
        "inputs: {x: {shape: [B, 2]}}\nnodes: {a: x + u, b: a + 1, c: f(x), d: 'sum(x, axis=9)'}\n"
    )
    assert codes(body) == ["GF020", "GF021", "GF033"]


def test_an_error_in_the_library_is_placed_at_the_call():
    with pytest.raises(gf.GraphflowError) as caught:
        model("inputs: {x: {shape: [B, 2]}}\nnodes:\n  y: conv2d(x, 4, 3)\n")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.mark.file, diagnostic.mark.line) == ("<text>", 5)


def test_a_block_that_calls_itself_is_refused():
    body = "blocks: {f: {inputs: [x], nodes: {y: f(x)}, outputs: [y]}}\ninputs: {x: scalar}\n"
    assert "GF004" in codes(body + "nodes: {z: f(x)}\n")


def test_a_graph_may_not_grow_without_bound_unless_told():
    pipeline = "{from: x, through: [{repeat: 300, through: [relu, exp]}]}"
    body = f"inputs: {{x: scalar}}\nnodes: {{y: {pipeline}}}\n"
    with pytest.raises(gf.GraphflowError, match="more than 500 nodes"):
        gf.loads(HEAD + body, max_nodes=500)
    assert len(gf.loads(HEAD + body).graph) > 600


def test_calls_and_turns_that_make_no_nodes_are_bounded_too():
    blocks = ["b0: {inputs: [x], nodes: {o: x}, outputs: [o]}"]
    blocks += [
        f"b{i}: {{inputs: [x], nodes: {{t: b{i - 1}(x), o: b{i - 1}(x)}}, outputs: [o]}}"
        for i in range(1, 40)
    ]
    body = "blocks:\n  " + "\n  ".join(blocks) + "\ninputs: {x: scalar}\nnodes: {y: b39(x)}\n"
    assert codes(body) == ["GF004"]
    nested = "{repeat: 1000, through: []}"
    for _ in range(3):
        nested = f"{{repeat: 1000, through: [{nested}]}}"
    nodes = f"nodes: {{y: {{from: x, through: [{nested}]}}}}\n"
    assert codes(f"inputs: {{x: scalar}}\n{nodes}") == ["GF004"]


def test_arrays_have_at_most_64_axes_and_loops_an_end():
    index = ", ".join(["None"] * 80)
    assert codes(f"inputs: {{x: {{shape: [2]}}}}\nnodes: {{y: 'x[{index}]'}}\n") == ["GF030"]
    loop = "{while: v < 1, carry: {v: x}, next: {v: v - 1}, max_steps: 9000000000000}"
    assert codes(f"inputs: {{x: scalar}}\nnodes: {{y: {loop}}}\n") == ["GF004"]
