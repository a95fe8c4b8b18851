"""Initialisers: bounds, deviations, structure; which one a layer starts with."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphflow as gf

ROWS, COLUMNS = 300, 200
SPREADS = {
    "xavier_normal": math.sqrt(2 / (ROWS + COLUMNS)),
    "xavier_normal(gain=2)": 2 * math.sqrt(2 / (ROWS + COLUMNS)),
    "kaiming_normal": math.sqrt(2 / ROWS),
    "kaiming_normal(mode='fan_out')": math.sqrt(2 / COLUMNS),
    "kaiming_normal(mode=fan_out, nonlinearity=tanh)": 5 / 3 / math.sqrt(COLUMNS),
    "kaiming_normal(a=1)": math.sqrt(1 / ROWS),
    "kaiming_normal(nonlinearity='selu')": 3 / 4 / math.sqrt(ROWS),
    "kaiming_normal(nonlinearity=linear)": 1 / math.sqrt(ROWS),
    "normal(std=0.01)": 0.01,
    "normal(std=sqrt(2 / fan_in))": math.sqrt(2 / ROWS),  # randn * sqrt(2 / n)
    "normal(std=1 / shape[0])": 1 / ROWS,  # randn / n
    "lecun_normal": 1 / math.sqrt(ROWS),
    "trunc_normal(std=0.02)": 0.02,  # cut at 100 deviations
}
BOUNDS = {
    "xavier_uniform": math.sqrt(6 / (ROWS + COLUMNS)),
    "kaiming_uniform": math.sqrt(6 / ROWS),
    "kaiming_uniform(a=sqrt(5))": 1 / math.sqrt(ROWS),
    "fan_in_uniform": 1 / math.sqrt(ROWS),
    "fan_in_uniform(16)": 0.25,
    "lecun_uniform": math.sqrt(3 / ROWS),
    "uniform(-1 / sqrt(25), 1 / sqrt(25))": 0.2,
}


def raw(init: str, shape: str = f"[{ROWS}, {COLUMNS}]") -> np.ndarray:
    """The first value of a matrix under ``params:``."""
    text = f'graphflow: 1\nname: a start\nparams: {{w: {{shape: {shape}, init: "{init}"}}}}\n'
    return gf.loads(text + "nodes: {y: w + 0}\n").parameters["w"]


def layer(call: str, shape: str = "[2, 4, 30, 30]") -> dict[str, np.ndarray]:
    """The parameters of a layer, without its path."""
    text = f"graphflow: 1\nname: a start\ninputs: {{x: {{shape: {shape}}}}}\n"
    blocks = "blocks:\n  small: {nodes: {v: 'normal(shape, 0, 1e-3)'}, outputs: [v]}\n"
    model = gf.loads(f"{text}{blocks}nodes:\n  out: {call}\n")
    return {name.removeprefix("out."): value for name, value in model.parameters.items()}


@pytest.mark.parametrize("init", SPREADS)
def test_the_deviation_of_a_normal_start(init):
    w = raw(init)
    assert w.std() == pytest.approx(SPREADS[init], rel=0.02)
    assert abs(w.mean()) < 0.02 * SPREADS[init]


@pytest.mark.parametrize("init", BOUNDS)
def test_the_bounds_of_a_uniform_start(init):
    w, bound = raw(init), BOUNDS[init]
    assert 0.999 * bound < np.abs(w).max() <= bound * (1 + 1e-6)
    assert w.std() == pytest.approx(bound / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize(("shape", "rows", "columns"), [("[30, 20]", 30, 20), ("[6, 4, 5]", 6, 20)])
def test_orthogonal_keeps_lengths(shape, rows, columns):
    w = raw("orthogonal(gain=3)", shape).reshape(rows, columns).astype(float) / 3
    product = w @ w.T if rows < columns else w.T @ w
    np.testing.assert_allclose(product, np.eye(min(rows, columns)), atol=1e-5)


def test_orthogonal_turns_either_way():
    """With R's signs in Q, neither sign of the first entry is preferred."""
    text = "graphflow: 1\nname: turns\nparams:\n"
    text += "".join(f"  w{i}: {{shape: [2, 2], init: orthogonal}}\n" for i in range(60))
    model = gf.loads(text + "nodes: {y: w0 + 0}\n")
    positive = sum(float(w[0, 0]) > 0 for w in model.parameters.values())
    assert 15 < positive < 45


def test_identity_matrix():
    np.testing.assert_array_equal(raw("identity_matrix(gain=2)", "[2, 3]"), 2 * np.eye(2, 3))


DIRAC = {  # torch.nn.init.dirac_ puts its ones here
    ("[3, 2, 3]", 1): [(0, 0, 1), (1, 1, 1)],
    ("[4, 3, 2, 4]", 2): [(0, 0, 1, 2), (1, 1, 1, 2), (2, 0, 1, 2), (3, 1, 1, 2)],
    ("[2, 2, 3, 1, 4]", 1): [(0, 0, 1, 0, 2), (1, 1, 1, 0, 2)],
}


@pytest.mark.parametrize(("shape", "groups"), DIRAC)
def test_dirac_hands_its_inputs_on(shape, groups):
    w = raw(f"dirac(groups={groups})", shape)
    assert list(zip(*np.nonzero(w), strict=True)) == DIRAC[shape, groups]
    assert w.sum() == len(DIRAC[shape, groups])


def test_bilinear_kernel_as_the_book_makes_it():
    """D2L 14.11: the outer product of 1 - |i - c| / f, where a channel meets itself."""
    even, odd = raw("bilinear_kernel", "[2, 2, 4, 4]"), raw("bilinear_kernel", "[1, 1, 3, 3]")
    window = np.array([0.25, 0.75, 0.75, 0.25])
    np.testing.assert_array_equal(even[0, 0], np.outer(window, window))
    np.testing.assert_array_equal(even[1, 1], even[0, 0])
    assert not even[0, 1].any() and not even[1, 0].any()
    np.testing.assert_array_equal(odd[0, 0], np.outer([0.5, 1, 0.5], [0.5, 1, 0.5]))
    large = raw("bilinear_kernel", "[1, 1, 64, 64]")
    assert large[0, 0, 0, 0] == 2.0**-12 and large.max() == (63 / 64) ** 2 and large.sum() == 1024


def test_trunc_normal_stays_within_its_bounds():
    w = raw("trunc_normal(mean=1, std=2, a=0, b=3)")
    assert 0 <= w.min() < 0.01 and 2.99 < w.max() <= 3
    low, high = (0.5 * (1 + math.erf(z / math.sqrt(2))) for z in (-0.5, 1))
    density = [math.exp(-z * z / 2) / math.sqrt(2 * math.pi) for z in (-0.5, 1)]
    mean = 1 + 2 * (density[0] - density[1]) / (high - low)
    assert w.mean() == pytest.approx(mean, abs=0.02)


def test_sparse_has_its_zeros_in_every_column():
    w = raw("sparse(0.33, std=2)", "[20, 500]")
    assert ((w == 0).sum(axis=0) == 7).all()
    rows = (w == 0).sum(axis=1)
    assert (rows > 100).all() and (rows < 250).all()
    assert w[w != 0].std() == pytest.approx(2, rel=0.05)


def test_gapped_uniform_leaves_out_the_middle():
    w = raw("gapped_uniform")
    assert (w == 0).mean() == pytest.approx(0.5, abs=0.02)
    assert 5 <= np.abs(w[w != 0]).min() < 5.01 and 9.99 < np.abs(w).max() <= 10
    assert (w > 0).mean() == pytest.approx(0.25, abs=0.02)


def test_a_number_fills_a_parameter():
    assert (raw("0.3") == 0.3).all()
    assert (raw("full(value=2)") == 2).all() and (raw("ones") == 1).all()
    assert not raw("zeros").any()


REFUSED = {
    ("orthogonal", "[4]"): "orthogonal needs a parameter with two axes or more",
    ("identity_matrix", "[2, 2, 2]"): "identity_matrix needs a parameter with two axes",
    ("dirac", "[2, 2]"): "dirac needs the weight of a convolution",
    ("dirac(groups=2)", "[3, 2, 2]"): "groups must divide the number of outputs, but is 2",
    ("bilinear_kernel", "[3, 2, 4, 4]"): "as many channels out as in",
    ("sparse(0.1)", "[4]"): "sparse needs a parameter with two axes",
    ("sparse(2)", "[4, 4]"): "sparsity is a share from 0 to 1, not 2",
    ("sparse", "[4, 4]"): "sparse needs 'sparsity'",
    ("trunc_normal(a=2, b=1)", "[4]"): "a lies below b, but they are 2 and 1",
    ("kaiming_normal(mode='fan')", "[4, 4]"): "mode is 'fan_in' or 'fan_out', not 'fan'",
    ("kaiming_normal(nonlinearity='gelu')", "[4, 4]"): "no gain is known for the nonlinearity",
    ("normal(std=-1)", "[4, 4]"): "a standard deviation is not negative: -1",
    ("uniform(1, 0)", "[4, 4]"): "low must not exceed high",
}


@pytest.mark.parametrize(("init", "shape"), REFUSED)
def test_a_wrong_initialiser_is_refused(init, shape):
    with pytest.raises(gf.GraphflowError) as caught:
        raw(init, shape)
    assert REFUSED[init, shape] in caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("he_normal", "kaiming_normal"), ("glorot_uniform", "xavier_uniform"),
        ("kaiming_uniform_", "kaiming_uniform"), ("trunc_normal_(std=1)", "trunc_normal"),
        ("nn.init.dirac_", "dirac"), ("orthogonl", "orthogonal"),
    ],
)  # fmt: skip
def test_what_another_library_calls_an_initialiser_is_translated(written, meant):
    with pytest.raises(gf.GraphflowError) as caught:
        raw(written)
    assert f"did you mean '{meant}'" in caught.value.diagnostics[0].help


def test_a_start_depends_on_the_seed_and_the_name_alone():
    assert (raw("normal") == raw("normal")).all()


def test_layers_start_as_in_pytorch():
    dense = layer("linear(x, 500)", "[2, 100]")
    for value in dense.values():
        assert 0.095 < np.abs(value).max() <= 0.1
    window = layer("conv2d(x, 200, 5, groups=4)")
    for value in window.values():
        assert 0.19 < np.abs(value).max() <= 0.2
    transposed = layer("conv_transpose2d(x, 100, 5)")  # PyTorch's fan: out channels times window
    for value in transposed.values():
        assert 0.019 < np.abs(value).max() <= 0.02
    norm = layer("batch_norm(x)")
    assert norm["weight"].tolist() == [1] * 4 and norm["bias"].tolist() == [0] * 4


def test_a_layer_is_told_how_to_start():
    found = layer("linear(x, 50, weight_init=small, bias_init=zeros)", "[2, 100]")
    assert found["weight"].std() == pytest.approx(1e-3, rel=0.05)
    assert not found["bias"].any()
    assert layer("conv2d(x, 3, 3, bias_init=0.5)")["bias"].tolist() == [0.5] * 3


DENSE = """graphflow: 1
name: a start
inputs: {x: {shape: [2, 100]}}
blocks:
  dense:
    args: [width, start_init=normal(std=0.02)]
    inputs: [x]
    nodes: {y: "linear(x, width, weight_init=start_init)"}
    outputs: [y]
nodes:
  out: CALL
"""


@pytest.mark.parametrize(
    ("call", "spread"),
    [
        ("linear(x, 300, weight_init=normal(std=0.01))", 0.01),
        ("linear(x, 300, weight_init=normal(0, 3))", 3),
        ("linear(x, 300, weight_init=0.5 * normal(std=sqrt(1 / fan_in)))", 0.05),
        ("linear(x, 300, weight_init=xavier_normal(gain=2))", 2 * math.sqrt(2 / 400)),
        ("linear(x, 300, weight_init=zeros if false else normal(std=7))", 7),
        ("dense(x, 300)", 0.02),
        ("dense(x, 300, start_init=uniform(-1, 1))", 1 / math.sqrt(3)),
        ("dense(x, 300, start_init=kaiming_normal(nonlinearity=linear))", 0.1),
    ],
)
def test_an_argument_that_ends_in_init_is_worked_out_for_the_parameter(call, spread):
    w = gf.loads(DENSE.replace("CALL", call)).parameters["out.weight"]
    assert w.shape == (300, 100)
    assert w.std() == pytest.approx(spread, rel=0.03)


def test_an_initial_value_may_name_the_fans():
    w = gf.loads(DENSE.replace("CALL", "linear(x, 7, bias_init=fan_in)")).parameters["out.bias"]
    assert w.tolist() == [7] * 7


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("linear(x, 3, weight_init=nrmal(std=1))", "unknown function 'nrmal'"),
        ("linear(x, 3, weight_init=normal(sd=1))", "normal has no argument 'sd'"),
        ("linear(x, 3, weight_init=normal([2, 2]))", "its initial value is float[2, 2]"),
        ("linear(x, 3, weight_init=normal(std=mean(x)))", "'x' is not known before the first"),
        ("linear(x, 3, weight_init=relu)", "relu needs 'x'"),
        ("linear(x, 3, weight_init=x)", "'x' is not known before the first step"),
        ("linear(x, 3, true, none, true, normal(std=1))", "is not known before the first step"),
        ("linear(x, 3, weight_init='normal')", "a tensor is needed here, not 'normal'"),
        ("late(x, start_init=normal(std=1))", "not the initial value normal(std=1)"),
    ],
)
def test_a_wrong_start_is_refused_at_the_call(call, message):
    late = "  late: {args: [start_init], inputs: [x], nodes: {y: x + start_init}, outputs: [y]}\n"
    text = DENSE.replace("CALL", call).replace("blocks:\n", "blocks:\n" + late)
    with pytest.raises(gf.GraphflowError) as caught:
        gf.loads(text)
    (found,) = caught.value.diagnostics
    assert message in found.message
    assert found.mark.file == "<text>"


def test_the_default_of_an_input_fills_its_shape():
    text = "graphflow: 1\nname: noise\ninputs: {z: {shape: [50, 60], default: normal(std=2)}}\n"
    z = gf.loads(text + "nodes: {y: z * 1}\noutputs: [y]\n").compile()({}).values["y"]
    assert z.std() == pytest.approx(2, rel=0.05)


def test_the_padding_row_starts_at_zero_and_stays():
    text = """graphflow: 1
name: words
inputs: {t: {shape: [5], dtype: int}}
nodes:
  e: embedding(t, 6, 4, padding_idx=2)
  loss: sum(e ** 2 + e)
train: {minimize: loss, optimizer: sgd(0.1), steps: 1}
"""
    model = gf.loads(text)
    before = np.array(model.parameters["e.weight"])
    assert not before[2].any() and before[[0, 1, 3, 4, 5]].all()
    model.trainer().step({"t": np.array([2, 1, 2, 3, 3])})
    moved = (model.parameters["e.weight"] != before).any(axis=1)
    assert moved.tolist() == [False, True, False, True, False, False]


@pytest.mark.parametrize(
    ("shape", "fan_in", "fan_out"),
    [("[6, 3, 5, 5]", 75, 150), ("[8, 4, 3]", 12, 24), ("[784, 10]", 784, 10)],
)
def test_a_raw_kernel_is_out_in_and_a_raw_matrix_in_out(shape, fan_in, fan_out):
    bound = math.sqrt(6 / (fan_in + fan_out))
    assert np.abs(raw("full(value=fan_in)", shape) - fan_in).max() == 0
    assert np.abs(raw("full(value=fan_out)", shape) - fan_out).max() == 0
    assert 0.9 * bound < np.abs(raw("xavier_uniform", shape)).max() <= bound * (1 + 1e-6)
