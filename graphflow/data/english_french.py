"""English sentences and their French translations (Tatoeba, by way of manythings.org)."""

from __future__ import annotations

import re
from typing import Annotated

from graphflow.data.archive import opened
from graphflow.data.dataset import Dataset
from graphflow.data.files import Remote, decode
from graphflow.data.options import Between, concerning
from graphflow.data.pairs import COLUMNS, Side, translation
from graphflow.data.registry import register
from graphflow.data.tokenizers import END, PAD, UNKNOWN
from graphflow.diagnostics import fail

FRA_ENG = Remote(
    "fra-eng.zip",
    "https://d2l-data.s3-accelerate.amazonaws.com/fra-eng.zip",
    "sha1:94646ad1522d915e7b0f9296181140edcf86a4f5",
    size=6_500_000,
    instead="source: dates",
    top="fra-eng",
)


@register("english_french", columns=COLUMNS, files=[FRA_ENG])
def english_french(
    n_train: Annotated[int, Between(1)] = 512,
    n_val: Annotated[int, Between(0)] = 129,
    steps: Annotated[int, Between(1, 65_536)] = 9,
    min_freq: Annotated[int, Between(1)] = 2,
) -> Dataset:
    """Pairs of short English and French sentences, in the order of their length (fra-eng).

    Prepared as in Dive into Deep Learning 10.5: lower case, a space before each of , . ! ?, words
    between spaces, at most ``steps`` tokens with ``<eos>``. The vocabularies are learned from all
    pairs that are used and leave out tokens rarer than ``min_freq``. The book asks for 512 + 128
    pairs and takes one more, which is the default here, too.
    """
    with opened(FRA_ENG) as members:
        pairs = sentences(decode(members.read("fra.txt"), "fra.txt"))
    wanted = n_train + n_val
    if len(pairs) < wanted:
        with concerning("n_train"):
            fail("GF071", f"'fra.txt' holds {len(pairs):,} pairs, not {wanted:,}")
    reads = Side("word", steps, min_freq, "spaces", (UNKNOWN, PAD, END))
    says = Side("word", steps, min_freq, "spaces")
    about = f"{n_train:,} + {n_val:,} sentences in English and French (Tatoeba)"
    return translation("english_french", about, pairs[:wanted], n_train, reads, says, wanted)


def sentences(content: str) -> list[tuple[str, str]]:
    r"""The pairs of a text with one pair a line, a tab between the two, prepared for splitting.

    >>> sentences("Go.\tVa\u202f!\nStop\n")
    [('go .', 'va !')]
    """
    text = content.replace("\u202f", " ").replace("\xa0", " ")
    text = re.sub(r"(?<=[^ ])([,.!?])", r" \1", text).lower()
    lines = (line.split("\t") for line in text.split("\n"))
    return [(parts[0], parts[1]) for parts in lines if len(parts) == 2]
