"""LeNet, the nets of chapter 8 of the book, a residual one for small pictures and Transformers, at
small sizes, which PyTorch computes with equal weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from tests.parity.attention_cases import ATTENTION_CASES
from tests.parity.cases import RECORDS, Array, Case, Feed, Outcome, Summary, summary
from tests.parity.detection_cases import DETECTION_CASES
from tests.parity.recommender_cases import RECOMMENDER_CASES
from tests.parity.recurrent_cases import RECURRENT_CASES
from tests.parity.segmentation_cases import SEGMENTATION_CASES

RECORD = RECORDS / "nets.json"
GRAPHS = "../../graphs/cnn"


def _images(size: int, channels: int = 1, batch: int = 4) -> Callable[[np.random.Generator], Feed]:
    def draw(rng: np.random.Generator) -> Feed:
        image = rng.standard_normal((batch, channels, size, size))
        return {"image": image, "label": rng.integers(0, 10, batch)}

    return draw


def _photographs(rng: np.random.Generator) -> Feed:
    return {"image": _images(32, 3, batch=1)(rng)["image"]}


def _net(name: str, pixels: int, **overrides: int | float) -> Case:
    return Case(name, f"{GRAPHS}/{name}.yaml", _images(pixels), overrides)


def _sentences(rng: np.random.Generator) -> Feed:
    """Three sentences of up to 5 words and their translations of up to 4."""
    words = {"source": (3, 5), "heard": (3, 4), "target": (3, 4)}
    drawn: Feed = {name: rng.integers(0, 9, shape) for name, shape in words.items()}
    return {**drawn, "source_length": np.array([5, 2, 4]), "target_length": np.array([3, 4, 1])}


def _translator(file: str) -> Case:
    sizes = {"words": 9, "embed": 3, "hidden": 4, "depth": 2}
    return Case(file.rpartition("/")[2], f"../../graphs/{file}.yaml", _sentences, sizes)


def _texts(**lengths: int) -> Callable[[np.random.Generator], Feed]:
    """Four texts of so many tokens for each name, how much of each is its own, and a label."""

    def draw(rng: np.random.Generator) -> Feed:
        tokens = {name: rng.integers(0, 12, (4, length)) for name, length in lengths.items()}
        own = {f"{n}_length": rng.integers(2, k + 1, 4) for n, k in lengths.items()}
        return {**tokens, **own, "label": rng.integers(0, 2, 4)}

    return draw


def _reviews(rng: np.random.Generator) -> Feed:
    feed = _texts(tokens=7)(rng)
    return {"tokens": feed["tokens"], "label": feed["label"]}


def _nlp(name: str, graph: str, draw: Callable[[np.random.Generator], Feed], **sizes: int) -> Case:
    return Case(name, f"../../graphs/nlp/{graph}.yaml", draw, {"vocab": 12, "width": 5, **sizes})


def _adversaries(rng: np.random.Generator) -> Feed:
    return {"z": rng.standard_normal((4, 6)), "real": rng.standard_normal((4, 1, 16, 16))}


def _dcgan(name: str, loss: str, owner: str, output: str) -> Case:
    sizes = (("size: 8", "size: 16"), ("latent: 32", "latent: 6"),
             ("paints: [64]", "paints: [5, 4]"), ("sees: [64]", "sees: [4, 5]"))  # fmt: skip
    return Case(name, "../../graphs/gan/dcgan.yaml", _adversaries, losses={loss: owner},
                outputs=(output,), edits=sizes)  # fmt: skip


_PAIRS = _texts(premise=6, hypothesis=5)


def _masked_pairs(rng: np.random.Generator) -> Feed:
    return {
        "tokens": rng.integers(0, 20, (3, 9)),
        "segments": (np.arange(9) >= np.array([[5], [3], [4]])).astype(np.int64),
        "valid_len": np.array([9, 6, 7]),
        "positions": rng.integers(0, 6, (3, 2)),
        "weights": np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
        "labels": rng.integers(0, 20, (3, 2)),
        "is_next": np.array([1, 0, 1]),
    }


NET_CASES = {
    case.name: case
    for case in [
        _net("alexnet", 72, thin=32, p_drop=0),
        _net("vgg11", 32, width=2, hidden=8, p_drop=0),
        _net("nin", 72, thin=32, p_drop=0),
        _net("googlenet", 32),
        _net("lenet_sigmoid", 28),
        _net("lenet_bn", 28),
        _net("lenet_bn_scratch", 28),
        _net("resnet18_book", 32, width=4),
        Case("resnet56_cifar10", f"{GRAPHS}/resnet56_cifar10.yaml", _images(8, 3),
             {"depth": 14, "colours": 3}),
        _net("resnext", 32),
        _net("densenet", 32, paper=True, size=32),
        _net("regnetx32", 32, paper=True, size=32),
        Case("vit", "../../graphs/attention/vit.yaml", _images(8),
             {"patch": 4, "width": 8, "mlp": 12, "heads": 2, "p_drop": 0}),
        *SEGMENTATION_CASES,
        _translator("rnn/seq2seq"),
        _translator("attention/translator"),
        _nlp("sentiment_birnn", "sentiment_birnn", _reviews, hidden=4, depth=2),
        _nlp("textcnn", "textcnn", _reviews, channels=3, p_drop=0, mean_over_time=False),
        _nlp("textcnn_mean", "textcnn", _reviews, channels=3, p_drop=0, mean_over_time=True),
        _nlp("decomposable_attention", "decomposable_attention", _PAIRS, hidden=4, p_drop=0,
             masked=True),
        _nlp("decomposable_unmasked", "decomposable_attention", _PAIRS, hidden=4, p_drop=0,
             masked=False),
        Case("bert", "../../graphs/nlp/bert_pretrain.yaml", _masked_pairs,
             {"vocab": 20, "width": 8, "ffn": 12, "heads": 2, "max_len": 10, "p_drop": 0},
             outputs=("words", "following")),
        Case(
            "vgg16", f"{GRAPHS}/vgg16.yaml", _photographs, losses={"best": ""}, outputs=("scores",)
        ),
        _dcgan("dcgan_generator", "g_loss", "G.", "fake"),
        _dcgan("dcgan_discriminator", "d_loss", "D.", "of_real"),
        *ATTENTION_CASES,
        *DETECTION_CASES,
        *RECURRENT_CASES,
        *RECOMMENDER_CASES,
    ]
}  # fmt: skip


def condensed(case: Case, outcome: Outcome) -> list[Summary]:
    """A net in a few lines: its values, and all gradients as one vector in order of creation."""
    (loss,) = case.losses
    gradients = np.concatenate([g.ravel() for g in outcome.gradients[loss].values()])
    values: dict[str, Array] = {name: outcome.values[name] for name in (loss, *case.outputs)}
    return [summary(name, value) for name, value in (values | {"gradients": gradients}).items()]


def recorded() -> dict[str, list[Summary]]:
    """What PyTorch gave, by case."""
    found: dict[str, list[Summary]] = json.loads(RECORD.read_text(encoding="utf-8"))["nets"]
    return found
