"""What the graphs about sequences claim: waves, windows, and gradients that go back in time."""

from __future__ import annotations

import numpy as np
import pytest

import graphflow as gf
from graphflow.data import load
from graphflow.training.feed import Feed
from tests.gallery.training import GRAPHS, losses, needs_data, trained, value_of, values_of


def history(name: str, **overrides: object) -> dict[str, np.ndarray]:
    """The values that a run keeps, by name."""
    outcome = gf.run(gf.load(GRAPHS[name], overrides))
    return {node: outcome.history[node].values for node in outcome.history}


@pytest.mark.slow
def test_a_wave_is_foretold_well_for_a_few_steps_and_not_for_many():
    """The noise is 0.2; always to say 0 is wrong by 0.74."""
    found = trained("autoregression")
    wrong = [found[f"train/wrong_{k}"] for k in (1, 4, 16, 64)]
    assert wrong == pytest.approx([0.21, 0.22, 0.27, 0.53], abs=0.015)


def test_guesses_are_drawn_at_the_time_that_they_speak_of():
    """To say the wave itself again k steps late: what is said for time t is x at time t - k."""
    model = gf.load("autoregression")
    model.parameters["model.weight"] = np.array([[0, 0, 0, 1]])
    model.parameters["model.bias"] = np.zeros(1)
    x = np.sin(np.arange(1000.0))
    feed = {"time": np.arange(1.0, 1001), "x": x}
    names = ("ahead_1", "ahead_4", "ahead_16", "ahead_64", "from_68", "multi_step", "later")
    *ahead, times, alone, later = values_of(model, *names, dtype="float64", **feed)
    assert times[0] == 68 and later[0] == 605 and len(alone) == len(later) == 396
    for k, guesses in zip((1, 4, 16, 64), ahead, strict=True):
        np.testing.assert_allclose(guesses, x[times.astype(int) - 1 - k])


def test_one_product_of_what_stands_side_by_side_is_two_products():
    model = gf.load("rnn_concat_identity")
    assert model.compile(of="apart", dtype="float64")({}).values["apart"] < 1e-15


@pytest.mark.parametrize("hidden", [2, 7])
def test_the_formulas_of_the_book_are_the_gradients_of_a_linear_rnn(hidden):
    program = gf.load("bptt_linear", {"hidden": hidden}).compile(of="apart", dtype="float64")
    assert program({}).values["apart"] < 1e-12


def test_gradients_vanish_stay_or_explode_and_turn_into_one_direction():
    kept = history("hidden_powers")
    growth = kept["length"][-1] / kept["length"][-11]
    np.testing.assert_allclose(growth, [0.9**10, 1, 1.1**10], rtol=1e-3)
    assert np.all(kept["aligned"][-1] > 1 - 1e-8)
    slower = history("hidden_powers", second=0.99)["aligned"][-1]
    assert np.all(slower < 0.99)


def test_a_clipped_gradient_goes_down_the_cliff_and_a_whole_one_ends_in_infinity():
    kept = history("grad_clip")
    assert 5000 < kept["length"][0] < 5500 and np.all(kept["step"] <= 0.05 + 1e-12)
    assert kept["f"][0] > 170 and kept["f"].min() < 0.4
    with pytest.raises(gf.GraphflowError, match="is inf in step 3"):
        gf.run(gf.load("grad_clip", {"theta": 1e9}))


def test_clipping_by_hand_is_the_clip_norm_of_training():
    text = GRAPHS["grad_clip"].read_text(encoding="utf-8")
    head = text[: text.index("\nupdates:")].replace("state:", "params:")
    head = head.replace(", dtype: float64}", "}") + "\noutputs: [f]"
    training = "minimize: f, optimizer: sgd(lr=lr), clip_norm: 1, steps: 3, history: [w, b]"
    head += f"\ntrain: {{{training}}}\n"
    by_training = gf.train(gf.loads(head)).history
    by_hand = history("grad_clip", **{"run.steps": 3})
    for name in "wb":
        np.testing.assert_allclose(by_training[name].values, by_hand[name], rtol=1e-5)


def test_random_cuts_are_right_on_average_and_regular_ones_never():
    kept = history("bptt_strategies", **{"run.steps": 300})
    assert kept["of_truncated"] == pytest.approx(0.704, abs=1e-3)
    assert kept["of_mean"][-1] < 0.1 < np.median(kept["of_one"])
    assert np.mean(kept["of_one"] > kept["of_truncated"]) > 0.9


def test_every_place_of_a_text_is_read_alike_but_near_its_ends():
    model = gf.load("text_windows")
    gf.run(model)
    share = np.asarray(model.state["reads"]) / 1000
    assert np.all(share[4:24] == 1) and share[-1] == 0
    np.testing.assert_allclose(share[:4], [0.2, 0.4, 0.6, 0.8], atol=0.05)
    every = value_of("text_windows", "overlapping")
    assert np.all(every[4:24] == 1) and every[0] == pytest.approx(0.2)


@needs_data
def test_the_counts_of_the_time_machine_are_those_of_the_book():
    model = gf.load("zipf", {"data.source": "timemachine"})
    fed, _ = next(iter(Feed(model.elaborated, model.folder, seed=0).training(0)))
    names = ("often", "top_words", "top_pairs", "top_triples")
    often, *tops = values_of(model, *names, **fed)
    tokenizer = load("timemachine", level="word").tokenizers["tokens"]
    told = [[tokenizer.decode(row) for row in top] for top in tops]
    assert often.tolist() == [
        [2261, 1267, 1245, 1155, 816, 695, 552, 541, 443, 440],
        [309, 169, 130, 112, 109, 102, 99, 85, 78, 73],
        [59, 30, 24, 16, 15, 15, 14, 14, 13, 13],
    ]
    assert told[0] == ["the", "i", "and", "of", "a", "to", "was", "in", "that", "my"]
    assert told[1][:6] == ["of the", "in the", "i had", "i was", "and the", "the time"]
    assert told[1][6:] == ["it was", "to the", "as i", "of a"]
    assert told[2][:3] == ["the time traveller", "the time machine", "the medical man"]
    assert {"it was a", "here and there", "seemed to me", "i saw the"} <= set(told[2])


@needs_data
def test_the_time_machine_in_characters_has_the_size_of_the_book():
    text = load("timemachine")
    tokens = text.array("tokens")
    assert len(tokens) + 1 == 173428 and len(text.tokenizers["tokens"]) == 28
    assert tokens[:10].tolist() == [21, 9, 6, 0, 21, 10, 14, 6, 0, 14]


def test_a_little_smoothing_is_best_and_much_of_it_leaves_nothing_of_the_counts():
    found = history("ngram_model")
    triples = found["perplexity_3"]
    assert triples.argmin() == 12 and triples.min() == pytest.approx(2.05, abs=0.01)
    assert triples[0] == pytest.approx(2.23, abs=0.01)
    assert triples[-1] == pytest.approx(28, rel=1e-5)


def test_a_net_learns_to_spell_machine():
    found = losses("machine", 60)
    assert 7 < found[0]["perplexity"] < 11 and found[-1]["perplexity"] < 1.1


def test_an_lstm_keeps_a_gradient_that_tanh_loses_if_its_forget_gates_are_open():
    def kept(**overrides: object) -> list[float]:
        model = gf.load("gradient_over_time", overrides)
        return [float(v) for v in values_of(model, "rnn_kept", "lstm_kept", dtype="float64")]

    by_rnn, by_lstm = kept()
    assert by_rnn < 1e-7 and by_lstm > 1
    assert kept(forget=0)[1] < 1e-7 < kept(forget=1)[1] < 0.01
    assert kept(scale=1.7)[0] > 1e-4
