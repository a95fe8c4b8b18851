from __future__ import annotations

import pytest

WRITER = """\
graphflow: 1
name: guesses the next character from the one before
let: {width: 16}
inputs:
  tokens: {shape: [T, B], dtype: int}
  targets: {shape: [T, B], dtype: int}
nodes:
  few: embedding(tokens, 26, width)
  logits: linear(few, 26)
  loss: cross_entropy(logits, targets)
data: {source: sentences, n: 200, feed: {tokens: tokens, targets: targets}, batch: 8}
train: {minimize: loss, optimizer: adam(lr=0.03), epochs: 4}
generate: {logits: logits, token: tokens, prompt: 'the d', length: 20}
"""


@pytest.fixture
def writer(tmp_path) -> str:
    (tmp_path / "writer.yaml").write_text(WRITER)
    return "writer.yaml"


@pytest.fixture
def run(cli, writer: str) -> str:
    assert cli("run", writer, "--out", "one").code == 0
    return "one"


def test_a_run_writes_without_its_data(cli, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every character follows from the one before: after ' ' comes 't' (the, that), then h, e."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the data was asked for")

    monkeypatch.setattr("graphflow.model.prepared_data", refuse)
    answer = cli("generate", run, "--greedy", "--prompt", "the dog ", "--length", "4")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "the dog the \n"


def test_a_file_writes_before_it_is_trained_and_says_so(cli, writer: str) -> None:
    answer = cli("generate", writer)
    assert answer.code == 0
    assert answer.out.startswith("the d") and len(answer.out) >= len("the d") + 20
    assert "nothing here is trained" in answer.err and "graphflow run writer.yaml" in answer.err


def test_options_choose_the_strategy(cli, run: str) -> None:
    drawn = [cli("generate", run, "--temperature", "2", "--seed", n).out for n in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    only = cli("generate", run, "--top-k", "1").out
    assert only == cli("generate", run, "--greedy").out == cli("generate", run, "--beam", "1").out
    found = cli("generate", run, "--beam", "3", "--length-penalty", "0", "--json").json
    assert [c["score"] for c in found["candidates"]] == sorted(
        (c["log_probability"] for c in found["candidates"]), reverse=True
    )
    assert found["text"] == found["candidates"][0]["text"]


def test_what_follows_as_json(cli, run: str) -> None:
    found = cli("generate", run, "--length", "3", "--json", "--prompt", "the ").json
    assert len(found["tokens"]) == 3 and len(found["prompt"]) == 4
    assert found["text"].startswith("the ")
    assert found["log_probability"] < 0 and found["finished"] is False


def test_a_token_ends_the_text(cli, run: str) -> None:
    assert cli("generate", run, "--stop", "e", "--greedy", "--prompt", " ").out == " the\n"
    answer = cli("generate", run, "--stop", "the")
    assert answer.code == 2 and "no token of the vocabulary" in answer.err


def test_characters_that_the_vocabulary_lacks_are_named(cli, run: str) -> None:
    answer = cli("generate", run, "--prompt", "Dö ", "--length", "0")
    assert answer.code == 0 and "lacks 'D', 'ö'" in answer.err
    assert answer.out == "<unk><unk> \n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--greedy", "--beam", "2"], "GF006"),
        (["--length-penalty", "1"], "GF006"),
        (["--temperature", "0"], "GF033"),
        (["--beam", "0"], "GF033"),
        (["--top-p", "2"], "GF033"),
        (["--prompt", ""], "GF033"),
        (["--feed", "nothing=1"], "GF065"),
        (["--feed", "token=a"], "did you mean 'tokens'?"),
        (
            ["--set", "generate.logits=few", "--set", "width=4"],
            "the logits score 4 tokens, but the vocabulary has",
        ),
        (["--length", "-1"], "GF006"),
    ],
)
def test_wrong_options(cli, writer: str, arguments: list[str], code: str) -> None:
    answer = cli("generate", writer, *arguments)
    assert answer.code == 2 and code in answer.err


def test_what_cannot_write(cli, run: str, tmp_path) -> None:
    assert "GF001" in cli("generate", "nowhere").err
    answer = cli("generate", "mlp")
    assert answer.code == 2 and "GF067" in answer.err and "generate: {logits" in answer.err
    assert "GF006" in cli("generate", run, "--set", "width=3").err
    (tmp_path / run / "tokenizers.json").write_text("[")
    answer = cli("generate", run)
    assert answer.code == 2 and "GF064" in answer.err and "tokenizers.json" in answer.err


def test_the_section_is_explained(cli) -> None:
    answer = cli("explain", "generate")
    assert answer.code == 0
    for word in ("logits", "token", "strategy", "beam(width, length_penalty=0.75)", "carry"):
        assert word in answer.out


def test_a_training_ends_with_a_line_that_the_model_writes(cli, writer: str) -> None:
    assert cli("run", writer).out.splitlines()[-1].startswith("generated: the d")
    assert "generated" not in cli("run", writer, "--json").out
    broken = cli("run", writer, "--set", "generate.stop=the")
    assert broken.code == 0 and "nothing was generated: 'the' is no token" in broken.err
