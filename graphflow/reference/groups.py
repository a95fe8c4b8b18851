"""The families of operators and library blocks under the words that a person would say."""

from __future__ import annotations

from graphflow.reference.page import all_names

GROUPS: dict[str, tuple[str, ...]] = {
    "layers": (
        "layers", "convolutions", "transposed_convolutions", "pooling", "normalisation",
        "recurrent_layers", "recurrent", "attention", "attention_pooling", "transformers",
        "bert", "positions", "translation", "architectures", "whole_nets", "adversarial", "vision",
        "painterly", "grid_sampling",
    ),
    "augmentation": ("image_transforms", "augmentation"),
    "activations": ("activations", "activation"),
    "losses": (
        "losses", "classification_losses", "ranking_losses", "sequence_losses", "image_losses",
    ),
    "metrics": ("metrics", "regression_metrics", "detection_metrics", "text_metrics"),
    "optimizers": ("optimizers", "adam", "second_order", "line_search"),
    "schedules": ("schedules", "cycles"),
    "averages": ("averages",),
    "initialisers": ("initialisers",),
    "distributions": ("distributions", "random", "gaussian_processes"),
    "functions": ("arrays", "elementary", "linear_algebra", "statistics"),
    "detection": ("detection",),
    "environments": ("environments",),
    "recommendation": ("recommendation",),
    "plugins": ("plugins",),
}  # fmt: skip
"""Word to families. Each file of the library stands under one word; of the operators, which have
a list of their own, those that people look for among blocks. ``plugins`` are other packages'.
"""


def names_of(group: str) -> list[str]:
    """What stands under a word, family by family.

    >>> names_of("schedules")[:2]
    ['constant_lr', 'step_lr']
    """
    families = all_names()
    return [name for family in GROUPS[group] for name, own in families.items() if own == family]
