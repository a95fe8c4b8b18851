"""``graphflow show`` and ``expand``."""

from __future__ import annotations

from pathlib import Path

import pytest

import graphflow as gf
from graphflow.backends import cudnn
from graphflow.runtime import asked
from tests.runtime.budgeted_models import MLP

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_resnet18_is_counted_without_being_allocated(cli):
    found = cli("show", EXAMPLES / "c_resnet18.yaml", "--json").json
    assert found["parameters"] == 11_689_512
    assert found["sizes"] == {"B": 1}
    # 1.814 billion multiply-adds (He et al. 2015 count 1.8) are two operations each.
    assert 3.6e9 < found["flops"] < 3.7e9
    assert found["parameter_bytes"] == 4 * 11_689_512
    assert found["parameter_bytes"] < found["peak_bytes"] < found["unplanned_bytes"]


def test_parameters_are_listed_with_their_fans(cli):
    (first, *others) = cli("show", EXAMPLES / "b_mlp.yaml", "--json").json["parameter_list"]
    assert first == {
        "name": "logits.linear1.weight", "shape": [256, 64], "count": 16384, "fan_in": 64,
        "fan_out": 256, "init": "uniform(low=-0.125, high=0.125)", "trainable": True,
    }  # fmt: skip
    assert len(others) == 5


def test_a_raw_matrix_is_in_out(cli):
    found = cli("show", EXAMPLES / "b2_mlp_math.yaml", "--json").json["parameter_list"]
    fans = {p["name"]: (p["shape"], p["fan_in"], p["fan_out"]) for p in found}
    assert all(tuple(shape) == (i, o) for shape, i, o in fans.values() if len(shape) == 2)


def test_nodes_have_shapes_in_symbols_and_lines(cli):
    found = cli("show", EXAMPLES / "b_mlp.yaml", "--json").json
    assert found["nodes"] == len(found["node_list"])
    nodes = {node["name"]: node for node in found["node_list"]}
    assert nodes["logits.linear1"] == {
        "name": "logits.linear1", "op": "relu", "operands": ["logits.linear1.z"],
        "type": "float[B, 256]", "phase": "forward", "line": 18,
    }  # fmt: skip
    assert found["sizes"] == {"B": 64}  # the batch of the data section


def test_sizes_are_chosen_or_given(cli):
    path = EXAMPLES / "b_mlp.yaml"
    one, two = (
        cli("show", path, "--sizes", f"B={n}", "--json").json["flops"] for n in (10, 20)
    )  # fmt: skip
    assert abs(two / one - 2) < 1e-3
    wrong = cli("show", path, "--sizes", "T=3")
    assert wrong.code == 2 and "'T'" in wrong.err
    assert cli("show", path, "--sizes", "B").code == 2
    text = cli("show", path, "--set", "hidden=8").out
    assert "with B = 64; choose others with --sizes B=" in text and "[8, 64]" in text


def test_backward_adds_the_gradients(cli):
    path = EXAMPLES / "a_xyz.yaml"
    names = [n["name"] for n in cli("show", path, "--backward", "--json").json["node_list"]]
    assert names[:5] == ["x", "y", "z", "q", "f"]
    assert {"q.grad", "x.grad", "y.grad", "z.grad"} < set(names)
    gan = cli("show", EXAMPLES / "f_gan.yaml", "--of", "g_loss", "--json").json["node_list"]
    gradients = {n["name"] for n in gan if n["phase"] == "backward"}
    assert "G.linear1.weight.grad" in gradients
    assert not {f"D.linear{i}.weight.grad" for i in (1, 2, 3)} & gradients
    assert cli("show", path, "--of", "g").code == 2


def test_schedule_and_memory(cli):
    found = cli("show", "mlp", "--backward", "--schedule", "--memory", "--json").json
    phases = [row["phase"] for row in found["schedule"]]
    assert {"forward", "backward"} == set(phases)
    assert [row["step"] for row in found["schedule"]] == list(range(len(phases)))
    largest = max(found["parameter_list"], key=lambda p: p["count"])
    assert {"name": largest["name"], "bytes": 4 * largest["count"]} in found["largest"]
    text = cli("show", "mlp", "--backward", "--schedule", "--memory").out
    assert "stands for" in text and "largest values" in text


def test_every_example_is_shown(cli):
    for path in sorted(EXAMPLES.glob("*.yaml")):
        answer = cli("show", path)
        assert answer.code == 0 and "peak memory" in answer.out


def test_expand_loads_again_and_gives_the_same_graph(cli):
    for path in (EXAMPLES / "b_mlp.yaml", EXAMPLES / "f_gan.yaml"):
        text = cli("expand", path).out
        assert "through:" not in text
        assert gf.loads(text).graph == gf.load(path).graph


def test_expand_with_overrides(cli):
    text = cli("expand", EXAMPLES / "b_mlp.yaml", "--set", "hidden=8").out
    assert gf.loads(text).parameters["logits.linear1.weight"].shape == (8, 64)


def test_an_option_raises_the_bound_on_nodes(cli, tmp_path):
    path = tmp_path / "long.yaml"
    path.write_text(
        "graphflow: 1\nname: long\ninputs: {x: scalar}\n"
        "nodes: {y: {from: x, through: [{repeat: 40, through: [exp, relu]}]}}\n"
    )
    refused = cli("show", path, "--max-nodes", "50")
    assert refused.code == 2 and "more than 50 nodes" in refused.err
    assert cli("show", path, "--max-nodes", "500").code == 0


def test_the_schedule_says_what_computes_each_node(cli):
    rows = {
        kernels: {row["node"]: row["kernel"] for row in cli(
            "show", "mlp_math", "--backward", "--schedule", "--kernels", kernels, "--json"
        ).json["schedule"]}
        for kernels in ("numpy", "numba")
    }  # fmt: skip
    assert rows["numpy"]["logits.matmul"] == "numpy" and rows["numpy"]["x"] == ""
    assert rows["numba"]["logits.matmul"].startswith("numba")
    assert rows["numpy"]["d.kept"] == "numpy, portable"
    assert "there are no kernels 'nmba'" in cli("show", "xyz", "--kernels", "nmba").err


def test_rates_that_follow_the_batch_are_shown(cli):
    sets = ("b_mlp", "--set", "train.scale_lr={rule: sqrt, base_batch: 16}")
    shown = cli("show", EXAMPLES / f"{sets[0]}.yaml", *sets[1:])
    assert "sqrt: 64 rows for 16" in shown.out
    larger = cli("show", EXAMPLES / "b_mlp.yaml", *sets[1:], "--set", "data.batch=256", "--json")
    assert larger.json["scale_lr"] == {
        "rule": "sqrt", "rows": 256, "base": 16, "warmup": 0, "factor": 4.0,
    }  # fmt: skip


def test_the_schedule_of_a_device_is_told_without_one(cli):
    rows = cli("show", "lstm", "--backward", "--schedule", "--backend", "cupy", "--json").json
    kernels = [row["kernel"] for row in rows["schedule"]]
    assert "cuda: 2,048 rows of 28, 8 threads each; 1 sum of 2,048" in kernels
    assert any(by.startswith("turns; in a turn cuda ") for by in kernels)
    assert {"cublas: 2048 x 28 by 28 x 128", "cupy, allocates"} <= set(kernels)
    fused = [row for row in rows["schedule"] if row["op"] == "fused"]
    assert all(row["kernel"].startswith("cuda: ") for row in fused)


@pytest.mark.parametrize("installed", [False, True])
def test_a_convolution_on_a_device_says_what_computes_it(cli, monkeypatch, installed):
    found = cudnn.MISSING if not installed else None
    monkeypatch.setattr(asked, "missing", lambda: found)
    rows = cli("show", "lenet", "--backward", "--schedule", "--backend", "cupy", "--json").json
    told = {row["kernel"] for row in rows["schedule"] if row["op"].startswith("conv")}
    if not installed:
        assert told == {
            "cupy, allocates, waits, since cuDNN is not installed (pip install 'graphflow[cudnn]')"
        }
        return
    assert "cudnn: forward, 5 x 5, 6 to 16 channels" in told
    assert all(by.startswith("cudnn: ") for by in told)


def test_attention_on_a_device_is_cudnns_in_16_bits_and_says_why_it_is_not_in_32(cli, monkeypatch):
    monkeypatch.setattr(asked, "missing", lambda: None)
    rows = cli("show", "gpt", "--backward", "--schedule", "--backend", "cupy", "--json").json
    told = [row["kernel"] for row in rows["schedule"] if "cuDNN" in row["kernel"]]
    why = "cublas: 64 x 64 by 64 x 16, 64 times, since cuDNN computes attention of float32 with"
    assert told == [f"{why} fewer digits"] * 2
    mixed = ("--set", "train.precision=bf16")
    rows = cli(
        "show", "gpt", *mixed, "--backward", "--schedule", "--backend", "cupy", "--json"
    ).json  # fmt: skip
    told = [row["kernel"] for row in rows["schedule"] if row["kernel"].startswith("cudnn")]
    what = "attention, 4 heads, 64 queries of 16, earlier keys"
    assert told == [f"cudnn: {what}"] * 2 + [f"cudnn: derivative of {what}"] * 2


def test_kernels_of_a_processor_are_not_a_devices(cli):
    found = cli("show", "mlp", "--backend", "cupy", "--kernels", "numba")
    assert found.code == 2 and "GF033" in found.err
    assert "GF069" in cli("show", "mlp", "--backend", "cuda").err


def test_a_budget_of_memory_says_what_is_computed_again(cli, tmp_path):
    path = tmp_path / "deep.yaml"
    path.write_text(MLP)
    args = ["show", str(path), "--memory", "--sizes", "B=256", "--set"]
    known = cli(*args, "train.memory=1GB", "--json").json["budgets"]["step"]
    assert known["again"] == [] and known["peak"] == known["peak_before"]
    budget = int(0.8 * known["peak"])
    found = cli(*args, f"train.memory={budget}", "--json").json["budgets"]["step"]
    assert found["budget"] == budget >= found["peak"] and found["extra_flops"] > 0
    text = cli(*args, f"train.memory={budget}").out
    assert "fits" in text and "largest computed again" in text
    assert "does not fit" in cli(*args, "train.memory=1MB").out


def test_stages_of_a_pipeline_are_shown_with_what_passes_and_waits(cli):
    found = cli("show", "lenet", "--pipeline", 2, "--micro-batches", 8, "--json").json
    shown = found["pipeline"]
    assert shown["bubble"] == pytest.approx(1 / 9)
    assert (shown["micro_batches"], shown["rows"]) == (8, 8)
    assert sum(s["parameter_bytes"] for s in shown["stages"]) == found["parameter_bytes"]
    assert sum(s["compute"] for s in shown["stages"]) == pytest.approx(1)
    assert shown["stages"][0]["forward_bytes"] > 0
    told = cli("show", "lenet", "--pipeline", 2, "--micro-batches", 8).out
    assert "1 / 9 = 11%" in told


def test_micro_batches_without_a_pipeline_are_refused(cli):
    assert "GF033" in cli("show", "lenet", "--micro-batches", 8).err
