"""``graphflow check``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from graphflow.backends import cupy
from graphflow.gallery import graph_files, root
from tests.runtime import devices

EXAMPLES = Path(__file__).parent.parent / "examples"
XYZ = EXAMPLES / "a_xyz.yaml"
WRONG = XYZ.read_text().replace("f: -12", "f: -11").replace("z: 3,", "z: 4,")


def test_golden_values_and_gradients(cli):
    answer = cli("check", XYZ)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"{XYZ}: 6 checks passed\n"


@pytest.mark.parametrize("name", ["xyz", "mlp", "momentum_2d"])
def test_golden_values_are_computed_on_a_device(cli, monkeypatch, name):
    made = []

    def device():
        made.append(devices.device())
        return made[-1]

    monkeypatch.setattr(cupy, "device", device)
    answer = cli("check", name, "--backend", "cupy")
    assert answer.code == 0 and "checks passed" in answer.out and len(made) > 1


def test_a_device_that_is_not_there_is_told_once(cli):
    answer = cli("check", "xyz", "mlp", "--backend", "gpu")
    assert answer.code == 2 and answer.err.count("GF069") == 1


def test_what_fails_is_shown_and_is_exit_code_1(cli, tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG)
    answer = cli("check", path, "--json")
    (report,) = answer.json["files"]
    assert (answer.code, report["ok"], report["passed"]) == (1, False, 4)
    failed = [(c["kind"], c["name"], c["got"]) for c in report["checks"] if not c["passed"]]
    assert failed == [("value", "f", -12), ("gradient", "z", 3)]
    text = cli("check", path).out
    assert "4 checks passed, 2 FAILED" in text
    assert "expected -11" in text and "got -12" in text and f"{path}:19:" in text


def test_where_a_large_array_is_wrong_is_told(cli, tmp_path):
    rows = [[float(3 * i + j) for j in range(3)] for i in range(20)]
    wrong = [list(row) for row in rows]
    wrong[12][1] = 36.5
    (tmp_path / "large.yaml").write_text(
        "graphflow: 1\nname: large\ninputs: {x: [20, 3]}\nnodes: {y: x + 0}\noutputs: [y]\n"
        f"check: [{{feed: {{x: {rows}}}, expect: {{y: {wrong}}}}}]\n"
    )
    found = cli("check", tmp_path / "large.yaml")
    assert found.code == 1 and "(off by 0.5 at [12, 1]: expected 36.5, got 37)" in found.out


def test_several_files_and_folders(cli, tmp_path):
    folder = tmp_path / "lessons" / "one"
    folder.mkdir(parents=True)
    (folder / "good.yaml").write_text(XYZ.read_text())
    (folder / "blocks.yaml").write_text(
        "graphflow: 1\nname: blocks\n"
        "blocks: {twice: {inputs: [x], nodes: {y: 2 * x}, outputs: [y]}}\n"
    )
    (tmp_path / "lessons" / "wrong.yaml").write_text(WRONG)
    answer = cli("check", "lessons", "nowhere.yaml", "xyz", "--json")
    assert answer.code == 2
    assert [Path(r["file"]).name for r in answer.json["files"]] == [
        "blocks.yaml", "good.yaml", "wrong.yaml", "nowhere.yaml", "xyz.yaml",
    ]  # fmt: skip
    assert [r["ok"] for r in answer.json["files"]] == [True, True, False, False, True]
    assert [e["code"] for e in answer.json["errors"]] == ["GF001"]
    total = cli("check", "lessons", "nowhere.yaml", "xyz").out.splitlines()[-1]
    assert re.fullmatch(r"3 of 5 files are good, \d+ checks passed \(\d+ s\)", total)
    assert cli("check", "lessons").code == 1


def test_a_file_that_lost_its_first_key_is_an_error_in_a_folder_too(cli, tmp_path):
    (tmp_path / "good.yaml").write_text(XYZ.read_text())
    (tmp_path / "lost.yaml").write_text(XYZ.read_text().replace("graphflow: 1\n", ""))
    answer = cli("check", tmp_path)
    assert answer.code == 2 and "1 of 2 files are good, 6 checks passed" in answer.out
    assert f"{tmp_path / 'lost.yaml'}: 1 error" in answer.out and "'graphflow'" in answer.err


def test_the_lists_beside_the_canned_graphs_are_no_graphs():
    found = {path.name for path in graph_files(root())}
    assert "resnet18.yaml" in found and not found & {"works.yaml", "coverage.yaml"}


def test_a_folder_without_graphs(cli, tmp_path):
    answer = cli("check", tmp_path)
    assert answer.code == 2 and "holds no graph file" in answer.err


@pytest.mark.parametrize(
    ("name", "gradients", "source"),
    [
        (XYZ, 3, "a check's feed"),
        (EXAMPLES / "b_mlp.yaml", 7, "data"),
        (EXAMPLES / "b2_mlp_math.yaml", 5, "random numbers"),
    ],
)
def test_gradients_against_differences(cli, name, gradients, source):
    (report,) = cli("check", name, "--gradients", "--json").json["files"]
    assert [g["passed"] for g in report["gradients"]] == [True] * gradients
    assert f"(fed from {source})" in cli("check", name, "--gradients").out


def test_each_player_has_its_own_gradients(cli):
    path = EXAMPLES / "f_gan.yaml"
    small = path.read_text().replace("pixels: 784", "pixels: 8")
    Path("gan.yaml").write_text(re.sub(r"linear\((256|512)", "linear(5", small))
    (report,) = cli("check", "gan.yaml", "--gradients", "--json").json["files"]
    assert all(g["passed"] for g in report["gradients"])
    of = {(g["of"], g["wrt"].split(".")[0]) for g in report["gradients"]}
    assert of == {("d_loss", "D"), ("d_loss", "real"), ("g_loss", "D"), ("g_loss", "G")}


def test_gradients_without_a_feed_and_of_arrays(cli, tmp_path):
    path = tmp_path / "free.yaml"
    path.write_text(
        "graphflow: 1\nname: free\ninputs: {x: {shape: [B, T]}, i: {shape: [B], dtype: int}}\n"
        "params: {w: {shape: [2, 3], init: normal}}\n"
        "nodes: {y: 'tanh(x) * stop_gradient(exp(x)) + take(w, i)[:, :1]'}\noutputs: [y]\n"
    )
    (report,) = cli("check", path, "--gradients", "--json").json["files"]
    assert [(g["wrt"], g["passed"]) for g in report["gradients"]] == [("x", True), ("w", True)]


def test_a_kink_beside_the_point_is_no_disagreement(cli, tmp_path):
    path = tmp_path / "kink.yaml"
    path.write_text(
        "graphflow: 1\nname: kink\nparams: {w: {shape: [50], init: zeros}}\n"
        "nodes: {loss: mean(abs(w - 1e-6))}\n"
    )
    (report,) = cli("check", path, "--gradients", "--json").json["files"]
    assert [g["passed"] for g in report["gradients"]] == [True]


def test_a_run_is_held_to_differences_by_what_it_moves(cli):
    (report,) = cli("check", "momentum_2d", "--gradients", "--json").json["files"]
    assert [(g["of"], g["wrt"]) for g in report["gradients"]] == [("f", "x1"), ("f", "x2")]
    total = cli("check", "momentum_2d", "gd_1d", "--gradients").out.splitlines()[-1]
    assert "3 gradients as differences say" in total


def test_a_wrong_gradient_is_found(cli, monkeypatch):
    from graphflow.ops.op import OPS

    monkeypatch.setattr(OPS["mul"], "vjp", lambda g, out, x, y: (g * x, g * y), raising=False)
    answer = cli("check", "xyz", "--gradients")
    assert answer.code == 1
    assert "DISAGREE" in answer.out and "gradient of 'f' by 'z'" in answer.out


def test_broadcasts_are_listed(cli, tmp_path):
    path = tmp_path / "wide.yaml"
    path.write_text(
        "graphflow: 1\nname: wide\ninputs: {x: {shape: [B, 3]}, b: {shape: [3]}, s: scalar}\n"
        "nodes:\n  plain: x * s + 1\n  y: x + b\n"
        "  r: {scan: {v: x}, carry: {h: b}, nodes: {n: 'h + v[:1]'}, next: {h: n}}\n"
    )
    answer = cli("check", path, "--broadcasts", "--json")
    (report,) = answer.json["files"]
    found = [(b["node"], b["operand"], b["shape"], b["result"]) for b in report["broadcasts"]]
    assert ("y", "b", "[3]", "[B, 3]") in found
    assert any(shape == "[1]" and result == "[3]" for _, _, shape, result in found)
    assert not [b for b in found if b[0].startswith("plain")]
    assert "'y' (add) stretches 'b' [3] to [B, 3]" in cli("check", path, "--broadcasts").out


def test_at_a_kink_the_gradient_is_checked_beside_it(cli, tmp_path):
    path = tmp_path / "corner.yaml"
    path.write_text(
        "graphflow: 1\nname: corner\nparams: {w: {shape: [4], init: '[0.0, 0.0, 1.0, 1.0]'}}\n"
        "nodes: {f: 'sum(relu(w)) + max(w) ** 2 + sum(stop_gradient(w) * w)'}\noutputs: [f]\n"
    )
    found = cli("check", path, "--gradients")
    assert found.code == 0 and "those by w right beside a kink" in found.out
    assert "with 1 stop_gradient held still" in found.out


def test_where_a_stop_gradient_in_a_loop_makes_gradients_disagree_is_told(cli, tmp_path):
    path = tmp_path / "cut.yaml"
    path.write_text(
        """graphflow: 1
name: cut
params: {w: {shape: [], init: 0.5}}
nodes:
  xs: linspace(0.1, 0.9, 4)
  net:
    scan: {x: xs}
    carry: {h: "0.0"}
    nodes:
      h_next: tanh(w * x + stop_gradient(h) * w)
    next: {h: h_next}
  f: net.final.h
outputs: [f]
"""
    )
    found = cli("check", path, "--gradients")
    assert found.code == 1 and "1 DISAGREE" in found.out
    assert f"{path}:10:" in found.out and "a stop_gradient inside a loop" in found.out


def test_a_parameter_that_is_cut_off_only_in_a_loop_is_no_disagreement(cli, tmp_path):
    path = tmp_path / "cut.yaml"
    path.write_text(
        """graphflow: 1
name: cut
params: {v: {shape: [], init: 0.5}, w: {shape: [], init: 0.5}}
nodes:
  net:
    scan: {x: "linspace(0.1, 0.9, 4)"}
    carry: {h: "0.0"}
    nodes: {h_next: tanh(v * x + stop_gradient(w) * h)}
    next: {h: h_next}
  f: net.final.h
outputs: [f]
check: [{feed: {}, gradient_of: f, gradients: {w: 0}}]
"""
    )
    found = cli("check", path, "--gradients")
    assert found.code == 0 and "DISAGREE" not in found.out
    assert "1 gradient of 'f' as differences say" in found.out
    assert "those by w cut in a loop or branch" in found.out
    assert "the parameter 'w' gets no gradient from 'f': it is cut at" in found.out


def test_an_input_that_nothing_reads_is_told(cli, tmp_path):
    path = tmp_path / "forgotten.yaml"
    path.write_text(
        "graphflow: 1\nname: forgotten\ninputs: {x: [3], mask: [3]}\n"
        "nodes: {y: sum(x)}\noutputs: [y]\n"
    )
    assert "no node reads the input 'mask'" in cli("check", path).out
    assert json.loads(cli("check", path, "--json").out)["files"][0]["unread"] == ["mask"]


CUT = """
graphflow: 1
name: cut
inputs: {x: [3]}
params: {v: {shape: [3], init: ones}, w: {shape: [3], init: ones}}
nodes:
  fixed: stop_gradient(w * x)
  loss: sum(fixed * v)
outputs: [loss]
check: [{feed: {x: [1, 5, 2]}, expect: {loss: 8}, gradient_of: loss}]
"""


def test_a_parameter_whose_gradient_is_cut_is_told(cli, tmp_path):
    path = tmp_path / "cut.yaml"
    path.write_text(CUT)
    line = f"{path}:7:10: the parameter 'w' gets no gradient from 'loss': it is cut at 'fixed' (st"
    found = cli("check", path)
    assert found.code == 0 and line in found.out and "'v'" not in found.out
    (answer,) = json.loads(cli("check", path, "--json").out)["files"]
    assert answer["cut"] == [{"of": "loss", "parameter": "w", "at": ["fixed"]}]


def test_an_input_that_is_left_at_its_default_is_varied_too(cli, tmp_path):
    path = tmp_path / "still.yaml"
    path.write_text(
        "graphflow: 1\nname: still\ninputs: {x: {shape: [3], default: 2.0}}\n"
        "nodes:\n  i: sum(x * x)\noutputs: [i]\n"
    )
    assert "1 gradient of 'i' as differences say" in cli("check", path, "--gradients").out


@pytest.mark.parametrize(
    ("inputs", "node", "why"),
    [
        ("x: [3]", "argmax(x)", "argmax hands none back"),
        ("x: [3]", "sum(floor(x) * (x > 2))", "floor, greater hands none back"),
        ("x: {shape: [3], dtype: int}", "sum(x)", "it depends on no real numbers that are"),
    ],
)
def test_what_has_no_gradient_is_said_plainly(cli, tmp_path, inputs, node, why):
    path = tmp_path / "index.yaml"
    path.write_text(
        f"graphflow: 1\nname: index\ninputs: {{{inputs}}}\nnodes: {{i: '{node}'}}\noutputs: [i]\n"
        "check: [{feed: {x: [1, 5, 2]}, expect: {}}]\n"
    )
    answer = cli("check", path, "--gradients")
    assert answer.code == 0 and f"'i' has no gradient: {why}" in answer.out
    assert "as differences say" not in answer.out


FED = """\
graphflow: 1
name: digits
inputs: {x: {shape: [B, 64]}, label: {shape: [B], dtype: int64}}
data: {source: digits, DATA}
nodes: {loss: 'cross_entropy(linear(x, 10), label)'}
train: {minimize: loss, optimizer: sgd(lr=0.1), epochs: 1}
"""


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("batch: 8", "error GF065: nothing feeds the input 'x'"),
        ("feed: {x: pixels}", "error GF065: nothing feeds the input 'label'"),
        ("pages: 3", "error GF071: data source 'digits' has no option 'pages'"),
        ("split: {train: 0.8, test: 0.5}", "error GF075: the shares of the parts add up to 1.3"),
    ],
)
def test_data_that_cannot_be_trained_on_are_told_without_being_read(cli, tmp_path, data, told):
    (tmp_path / "fed.yaml").write_text(FED.replace("DATA", data))
    found = cli("check", tmp_path / "fed.yaml")
    assert found.code == 2
    assert told in found.err


def test_what_a_missing_key_is_for_is_told(cli, tmp_path):
    (tmp_path / "fed.yaml").write_text(FED.replace("source: digits, DATA", "batch: 8"))
    found = cli("check", tmp_path / "fed.yaml")
    assert "data needs the key 'source'" in found.err
    assert "help: source: a data set's name, or a path" in found.err


def test_an_unknown_data_source_is_told(cli, tmp_path):
    (tmp_path / "fed.yaml").write_text(FED.replace("digits, DATA", "digit"))
    found = cli("check", tmp_path / "fed.yaml")
    assert found.code == 2
    assert "unknown data source 'digit'" in found.err
    assert "did you mean 'digits'?" in found.err
