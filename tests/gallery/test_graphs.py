"""Every canned graph means something, holds its golden values, and learns what it says."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import graphflow as gf
from graphflow.data.registry import sources
from graphflow.training.checks import run_checks
from tests.gallery.training import GRAPHS, losses, needs_data

needs_pillow = pytest.mark.skipif(not find_spec("PIL"), reason="photographs need Pillow")


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_is_valid_and_its_checks_hold(name):
    model = gf.load(GRAPHS[name])
    assert [result.message() for result in run_checks(model) if not result.passed] == []


@pytest.mark.parametrize("name", [n for n in GRAPHS if "\npaper:" in GRAPHS[n].read_text("utf-8")])
def test_a_graph_can_be_built_in_its_sources_own_size(name):
    model = gf.load(GRAPHS[name], {"paper": True})
    assert model.graph.outputs
    plan = model.elaborated.data
    if plan is not None and plan.source in sources():
        wrong = sources()[plan.source].problems(plan.options)
        assert wrong.keys() <= {"path"}  # which its user gives


def test_lenet_has_the_parameters_of_the_book_and_learns_small_digits():
    assert sum(p.size for p in gf.load(GRAPHS["lenet"]).parameters.values()) == 61_706
    found = losses("lenet", 60)
    assert found[-1]["loss"] < 0.7 * found[0]["loss"]


@pytest.mark.parametrize(
    ("name", "steps", "report", "factor"),
    [
        ("mlp", 60, "loss", 0.6),
        ("mlp_math", 60, "loss", 0.3),
        ("linear_regression_scratch", 60, "distance", 0.5),
        ("softmax_regression", 60, "loss", 0.5),
        ("resnet18", 40, "loss", 0.7),
        pytest.param("style_transfer", 20, "loss", 0.2, marks=needs_pillow),
        ("lstm", 60, "perplexity", 0.2),
    ],
)
def test_the_first_steps_lower_what_is_reported(name, steps, report, factor):
    found = [values[report] for values in losses(name, steps)]
    assert np.mean(found[-5:]) < factor * found[0]


@needs_data
def test_the_lstm_reads_the_time_machine():
    found = losses("lstm", 60, **{"data.source": "timemachine"})
    assert np.mean([values["perplexity"] for values in found[-5:]]) < 0.4 * found[0]["perplexity"]


def test_the_mlp_reads_digits():
    outcome = gf.train(gf.load(GRAPHS["mlp"]))
    assert outcome.metrics["test/accuracy"] >= 0.97


def test_the_generators_turn_answers_the_discriminators():
    """Each keeps the other busy: after two epochs neither loss has gone to zero."""
    last = losses("gan", 58)[-1]
    assert 0.3 < last["d_loss"] < 3 and 0.3 < last["g_loss"] < 5
