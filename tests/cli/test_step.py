"""``graphflow step``: commands come in as lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graphflow.api import load
from graphflow.cli.stepping import way_through
from graphflow.view.study import Study
from graphflow.view.workspace import Workspace
from tests.cli.stepping import heads, nodes

XYZ = Path(__file__).parent.parent / "examples" / "a_xyz.yaml"


def test_without_commands_everything_is_walked(walk):
    answer = walk([], XYZ)
    assert answer.code == 0
    assert heads(answer) == [
        ["1/7 forward", "q = x + y"],
        ["2/7 forward", "f = q * z"],
        ["3/7 backward", "f.grad = full(value=1)"],
        ["4/7 backward", "z.grad = f.grad * q"],
        ["5/7 backward", "q.grad = f.grad * z"],
        ["6/7 backward", "x.grad = q.grad"],
        ["7/7 backward", "y.grad = q.grad"],
    ]


@pytest.mark.parametrize("name", ["xyz", "mlp", "lstm"])
def test_terminal_and_studio_walk_in_one_order(name):
    _, stepper = way_through(load(name), None, None, {}, 0).turns[0]
    study = Study(Workspace(graph=name))
    assert [step.node for step in study.steps] == list(stepper.order)


def test_the_chain_rule_is_shown_with_numbers(walk):
    lines = walk(["r q.grad"], XYZ).out.splitlines()
    assert lines[-2:] == [
        "    chain rule: f.grad × ∂f/∂q = contribution to q.grad",
        "      1 × -4 = -4",
    ]
    assert "    q = 3" in walk(["n"], XYZ).out.splitlines()


@pytest.mark.parametrize(
    ("commands", "nodes"),
    [
        (["n", "", "n"], ["q", "f", "f.grad"]),
        (["n", "n", "b"], ["q", "f", "q"]),
        (["r z.grad", "b"], ["z.grad", "f.grad"]),
        (["r y.grad", "r f"], ["y.grad", "f"]),
        (["w", "f"], ["f.grad", "q"]),
        (["r x.grad", "e"], ["x.grad", "y.grad"]),
        (["n", "q", "n"], ["q"]),
    ],
)
def test_moving(walk, commands, nodes):
    answer = walk(commands, XYZ)
    assert [formula.split(" = ")[0] for _, formula in heads(answer)] == nodes
    assert "error" not in answer.err


def test_looking(walk):
    answer = walk(["w f", "n", "n", "v q", "l", "h"], XYZ)
    assert "watching f" in answer.out
    assert "watch f = not yet" in answer.out and "watch f = -12" in answer.out
    assert "\nq = 3\n" in answer.out
    assert ">    2  forward   f\n" in answer.out
    assert "r NODE" in answer.out


def test_a_mistake_does_not_end_the_walk(walk):
    answer = walk(["b", "r g", "w g", "v f", "jump", "e", "n"], XYZ)
    assert answer.code == 0 and len(heads(answer)) == 7
    assert [line.split(": ")[0] for line in answer.err.splitlines() if "error" in line] == [
        "error GF082", "error GF020", "error GF020", "error GF082", "error GF006", "error GF082",
    ]  # fmt: skip


def test_feeds_come_from_data_or_the_command_line(walk, tmp_path):
    answer = walk(["n"], "mlp")
    assert "stepping through 'loss', fed from data" in answer.err
    path = tmp_path / "f.yaml"
    path.write_text(
        "graphflow: 1\nname: f\ninputs: {x: {shape: [N]}}\nnodes: {y: x ** 2}\noutputs: [y]\n"
    )
    missing = walk([], path)
    assert missing.code == 2 and "--feed x=..." in missing.err
    assert "y = [1., 9.]" in walk([], path, "--feed", "x=[1, 3]").out
    assert "x.grad = [2., 6.]" in walk([], path, "--feed", "x=[1, 3]").out
    assert walk([], path, "--feed", "x=[1, [3]]").code == 2
    assert walk([], path, "--feed", "x=one").code == 2
    assert "-1" in walk(["n"], XYZ, "--feed", "x=-6").out


@pytest.fixture
def square(tmp_path):
    """y = x ** 2 for x (N,)."""
    path = tmp_path / "f.yaml"
    path.write_text(
        "graphflow: 1\nname: f\ninputs: {x: {shape: [N]}}\nnodes: {y: x ** 2}\noutputs: [y]\n"
    )
    return path


def test_feeds_come_from_files(walk, square, tmp_path):
    np.save(tmp_path / "a.npy", [1.0, 3.0])
    np.savez(tmp_path / "one.npz", anything=[1.0, 3.0])
    np.savez(tmp_path / "two.npz", x=[1.0, 3.0], y=[0.0])
    (tmp_path / "a.json").write_text("[1, 3]")
    for file in ("a.npy", "one.npz", "two.npz", "a.json"):
        assert "y = [1., 9.]" in walk([], square, "--feed", f"x=@{file}").out


def test_files_that_feed_nothing(walk, square, tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    np.save(tmp_path / "words.npy", ["a", "b"])
    np.savez(tmp_path / "two.npz", a=[1.0], b=[0.0])
    (tmp_path / "broken.npz").write_bytes(b"PK")
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "a.json").write_text('{"x": [1, 3]}')
    (tmp_path / "a.txt").write_text("1 3")
    for file, why in {
        "objects.npy": "'objects.npy' cannot be read",
        "words.npy": "feeds no numbers",
        "two.npz": "it holds a, b",
        "broken.npz": "'broken.npz' cannot be read",
        "empty.npy": "'empty.npy' cannot be read",
        "a.json": "feeds no numbers",
        "a.txt": "it ends in .npy, .npz or .json",
        "none.npy": "No such file",
    }.items():
        answer = walk([], square, "--feed", f"x=@{file}")
        assert answer.code == 2 and why in answer.err


def test_a_check_sets_parameters(walk, tmp_path):
    path = tmp_path / "line.yaml"
    path.write_text(
        "graphflow: 1\nname: line\ninputs: {x: scalar}\nparams: {w: {shape: scalar, init: zeros}}\n"
        "nodes: {y: w * x}\ncheck: [{params: {w: 3}, feed: {x: 2}, expect: {y: 6}}]\n"
    )
    answer = walk([], path)
    assert "y = 6" in answer.out and "w.grad = 2" in answer.out


def test_another_value_and_integers(walk, tmp_path):
    assert heads(walk([], XYZ, "--of", "q"))[-1][1] == "y.grad = q.grad"
    assert walk([], XYZ, "--of", "g").code == 2
    path = tmp_path / "count.yaml"
    path.write_text("graphflow: 1\nname: c\ninputs: {x: {shape: [3]}}\nnodes: {y: argmax(x)}\n")
    assert "y = 1" in walk([], path, "--feed", "x=[1, 5, 2]").out


def test_a_gradient_that_is_zero_everywhere_is_said(walk):
    assert "zero everywhere: equal hands none back" in walk(["n"], "mlp", "--of", "accuracy").err
    assert "zero everywhere" not in walk(["n"], "mlp").err + walk(["n"], XYZ).err


def test_every_step_of_a_network_is_printable(walk):
    answer = walk([], "mlp", "--all")
    place, _ = heads(answer)[-1]
    count, total = place.split(" ")[0].split("/")
    assert count == total and "is a matrix" in answer.out


SEVERAL = """
graphflow: 1
name: several results
inputs: {x: {shape: [N]}, y: {shape: [M]}}
nodes: {square: x ** 2, half: x / 2, total: sum(square), other: exp(y)}
outputs: [square, half, total, other]
check:
  - feed: {x: [1, 3], y: [0]}
    expect: {total: 10}
"""


def test_all_outputs_are_walked_and_an_array_among_them_is_not_differentiated(walk, tmp_path):
    path = tmp_path / "several.yaml"
    path.write_text(SEVERAL)
    answer = walk([], path)
    assert "stepping through 'square', 'half', 'total', 'other', fed from a check" in answer.err
    assert [formula.split(" = ")[0] for _, formula in heads(answer)] == [
        "square", "half", "total", "other"
    ]  # fmt: skip
    steps = [formula.split(" = ")[0] for _, formula in heads(walk([], path, "--of", "square"))]
    assert steps[0] == "square" and steps[-1] == "x.grad"


def test_beside_what_is_differentiated_outputs_that_are_not_fed_are_left_out(walk, tmp_path):
    path = tmp_path / "several.yaml"
    check = "gradient_of: total\n    expect:"
    path.write_text(SEVERAL.replace(", y: [0]", "").replace("expect:", check))
    steps = [formula.split(" = ")[0] for _, formula in heads(walk([], path))]
    assert steps[:2] == ["square", "total"] and "x.grad" in steps and "half" not in steps


def test_inputs_that_have_a_default_are_differentiated_by(walk, tmp_path):
    answer = walk([], "corr2d")
    assert nodes(answer)[-1] == "image.grad"
    assert "kernel.grad = [[ 8., 12.], [20., 24.]]" in answer.out
    path = tmp_path / "defaults.yaml"
    text = "graphflow: 1\nname: d\ninputs: {x: {shape: [2], default: 'arange(2) * 2.0'}}\n"
    path.write_text(text + "nodes: {y: sum(x ** 2)}\n")
    assert "x.grad = [0., 4.]" in walk([], path).out


def test_gradients_that_a_file_gives_itself_are_walked_as_they_are():
    _, stepper = way_through(load("maxpool_2x2"), None, None, {}, 0).turns[0]
    assert stepper.order[-2:] == ("x.grad", "slope")


def test_arrays_of_sixteen_entries_are_shown_whole(walk):
    assert "x.grad = [[0., 0., 0., 0.], [0., 1., 0., 1.]" in walk([], "maxpool_2x2").out


def test_the_steps_of_a_run_are_walked_with_their_updates(walk):
    answer = walk([], "gd_1d")
    assert "stepping through step 1 of run:\n" in answer.err
    assert nodes(answer)[0] == "f" and nodes(answer)[-1] == "x.next"
    assert "x.next = 6\n" in answer.out
    assert "x = 3.6\n" in walk([], "gd_1d", "--iteration", "2").out
    assert nodes(walk([], "gd_1d", "--walk", "gradient")) == ["f"]
    assert nodes(walk([], "gd_1d", "--of", "f")) == ["f"]


def test_a_training_step_is_walked_when_it_is_asked_for(walk):
    assert "loss.grad" in nodes(walk([], "linear_regression"))
    answer = walk(["e"], "linear_regression", "--walk", "training")
    assert "stepping through step 1 of train:, fed from data" in answer.err
    assert nodes(answer)[-1].endswith(".next")


def test_a_step_of_two_players_has_two_turns(walk):
    there, back = "G.linear3.bias.grad", "D.linear3.bias.grad"
    answer = walk(["n", f"r {there}", f"r {back}", "f"], "gan", "--walk", "training")
    assert "turn 1/2: discriminator" in answer.out
    assert nodes(answer) == ["z", there, back, "z"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["xyz", "--walk", "training"], "there is nothing to train"),
        (["gd_1d", "--walk", "steps"], "one of gradient, training"),
        (["gd_1d", "--walk", "training", "--of", "f"], "--of is about one pass"),
        (["mlp", "--walk", "training", "--feed", "x=1"], "--feed is about one pass"),
    ],
)
def test_walks_that_there_are_not(walk, arguments, why):
    answer = walk([], *arguments)
    assert answer.code == 2 and why in answer.err


def test_a_node_that_is_not_walked_is_told_from_a_name_that_is_none(walk):
    answer = walk(["r f", "r x", "r g"], XYZ, "--of", "q")
    assert "'f' is not on the way to 'q'" in answer.err and "--of f walks to it" in answer.err
    assert "'x' is given, no step computes it" in answer.err and "v x shows it" in answer.err
    assert "no node is called 'g'" in answer.err


def test_a_check_that_feeds_nothing_is_not_said_to_feed(walk):
    assert "fed from" not in walk([], "gd_1d", "--walk", "gradient").err


def test_a_slice_is_written_as_in_the_file_and_small_values_whole(walk, tmp_path):
    file = tmp_path / "halves.yaml"
    file.write_text(
        "graphflow: 1\nname: halves\nnodes: {x: arange(32), y: 'sum(x[2:4])'}\noutputs: [y]\n"
    )
    lines = walk([], file).out.splitlines()
    assert any(line.startswith("2/") and "= x[2:4]" in line for line in lines)
    assert any("30, 31]" in line for line in lines)


def test_a_node_that_fails_says_where_it_stands(walk, tmp_path):
    path = tmp_path / "endless.yaml"
    path.write_text(
        "graphflow: 1\nname: endless\ninputs: {x: scalar}\nnodes:\n"
        "  loop: {while: c < 3, carry: {c: x}, next: {c: c * 0.5}, max_steps: 4}\n"
        "outputs: [loop.c]\n"
    )
    assert f"{path}:5:3: error GF063" in walk([], path, "--feed", "x=1").err
