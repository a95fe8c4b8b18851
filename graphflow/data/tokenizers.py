"""Texts as whole numbers and back: characters, words, or pieces learned by byte-pair encoding.

A tokenizer is its list of tokens: the number of a token is its place there. It is plain data
(:meth:`Tokenizer.to_json`), which a run keeps, so that text can be generated without the data.
Four tokens have a meaning of their own: ``<unk>`` stands for what the vocabulary lacks, ``<pad>``
fills up, ``<bos>`` begins and ``<eos>`` ends a text.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from graphflow.diagnostics import fail
from graphflow.files import Json

if TYPE_CHECKING:
    import tokenizers

Level = Literal["char", "word", "bpe"]
Splits = Literal["words", "spaces"]

UNKNOWN, PAD, BEGIN, END = "<unk>", "<pad>", "<bos>", "<eos>"
RESERVED = (UNKNOWN, PAD, BEGIN, END)
BYTES = 256
PIECES = 1000
"""Tokens of a byte-pair encoding whose size is not said."""
_RESERVED = re.compile("|".join(RESERVED))
_SPLIT: Mapping[str, re.Pattern[str]] = {
    "words": re.compile(r"\w+|[^\w\s]"),
    "spaces": re.compile(r"\S+"),
}


@dataclass(frozen=True)
class Tokenizer(ABC):
    """``tokens`` in the order of their numbers, and how a text is prepared: ``lower`` case,
    ``letters_only`` (every run of other characters than A to Z becomes one space).

    >>> letters = learn(["hello"], "char")
    >>> letters.tokens, letters.encode("hole"), letters.decode([2, 4, 3])
    (('<unk>', 'e', 'h', 'l', 'o'), [2, 4, 3, 1], 'hol')
    """

    level: ClassVar[Level]
    tokens: tuple[str, ...]
    lower: bool = False
    letters_only: bool = False

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """The number of each token."""
        return {token: number for number, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def split(self, text: str) -> list[str]:
        """The pieces of a text, in the vocabulary or not; reserved tokens stand as they are.

        >>> learn(["a cat"], "word", reserved=RESERVED).split("<bos> A cat, <eos>")
        ['<bos>', 'A', 'cat', ',', '<eos>']
        """
        found: list[str] = []
        start = 0
        for match in _RESERVED.finditer(text):
            if match[0] in self.numbers:
                found += [*self._cut(self.prepared(text[start : match.start()])), match[0]]
                start = match.end()
        return found + self._cut(self.prepared(text[start:]))

    def prepared(self, text: str) -> str:
        """The text in the form in which it is cut."""
        if self.letters_only:
            text = re.sub("[^A-Za-z]+", " ", text)
        return text.lower() if self.lower else text

    def encode(self, text: str) -> list[int]:
        """The numbers of a text's tokens; GF075 for an unknown one where there is no ``<unk>``."""
        numbers, unknown = self.numbers, self.numbers.get(UNKNOWN)
        pieces = self.split(text)
        if unknown is None and (lacking := self.unknown(pieces)):
            fail("GF075", f"{lacking[0]!r} is not in the vocabulary, nor is '{UNKNOWN}'",
                 help="learn the vocabulary with <unk>, or from a text that has it")  # fmt: skip
        return [numbers.get(piece, unknown or 0) for piece in pieces]

    def unknown(self, pieces: Iterable[str]) -> list[str]:
        """Those of the pieces that the vocabulary lacks, each once."""
        return list(dict.fromkeys(piece for piece in pieces if piece not in self.numbers))

    def decode(self, numbers: Iterable[int]) -> str:
        """The text that the numbers stand for, without ``<pad>``, ``<bos>`` and ``<eos>``.

        GF080 for a number that stands for no token.
        """
        tokens = [self.token(number) for number in numbers]
        return self._joined([token for token in tokens if token not in RESERVED[1:]])

    def token(self, number: int) -> str:
        """The token of that number."""
        if not 0 <= number < len(self.tokens):
            fail("GF080", f"{number} is no token: the vocabulary has {len(self.tokens)}")
        return self.tokens[number]

    def to_json(self) -> dict[str, Json]:
        """The tokenizer as plain data."""
        found: dict[str, Json] = {"level": self.level}
        for field in fields(self):
            value = getattr(self, field.name)
            found[field.name] = _plain(value)
        return found

    @staticmethod
    def from_json(data: Mapping[str, Json]) -> Tokenizer:
        """The tokenizer that :meth:`to_json` wrote. GF073 for anything else."""
        kind = _KINDS.get(str(data.get("level")))
        names = {f.name for f in fields(kind)} if kind else set()
        if kind is None or set(data) - names != {"level"} or not isinstance(data["tokens"], list):
            fail("GF073", "this is no tokenizer", help="it holds level, tokens and settings")
        return kind(**{n: _frozen(v) for n, v in data.items() if n in names})  # type: ignore[arg-type]

    @abstractmethod
    def _cut(self, text: str) -> list[str]:
        """The pieces of a prepared text without reserved tokens."""

    @abstractmethod
    def _joined(self, tokens: Sequence[str]) -> str:
        """The text of tokens."""


@dataclass(frozen=True)
class Characters(Tokenizer):
    """Every character is a token."""

    level = "char"

    def _cut(self, text: str) -> list[str]:
        return list(text)

    def _joined(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)


@dataclass(frozen=True)
class Words(Tokenizer):
    """Words are tokens: with ``splits="words"`` runs of letters and digits, and every mark by
    itself; with ``"spaces"`` whatever stands between spaces. Decoding puts spaces between them.

    >>> learn(["Yes, it's"], "word").tokens, learn(["Yes, it's"], "word", splits="spaces").tokens
    (("'", ',', '<unk>', 'Yes', 'it', 's'), ('<unk>', 'Yes,', "it's"))
    """

    level = "word"
    splits: Splits = "words"

    def _cut(self, text: str) -> list[str]:
        return _SPLIT[self.splits].findall(text)

    def _joined(self, tokens: Sequence[str]) -> str:
        return " ".join(tokens)


@dataclass(frozen=True)
class BytePairs(Tokenizer):
    """Pieces of words, learned by merging the most frequent pairs, beginning with single bytes, so
    that no text is unknown (Sennrich et al. 2016; Radford et al. 2019). ``merges`` in their order.

    Needs the package ``tokenizers``.
    """

    level = "bpe"
    merges: tuple[tuple[str, str], ...] = ()

    @cached_property
    def _library(self) -> tokenizers.Tokenizer:
        library = _byte_level()
        from tokenizers.models import BPE

        library.model = BPE(dict(self.numbers), list(self.merges))
        return library

    def _cut(self, text: str) -> list[str]:
        return list(self._library.encode(text).tokens) if text else []

    def _joined(self, tokens: Sequence[str]) -> str:
        return str(self._library.decoder.decode(list(tokens)))


_KINDS: Mapping[str, type[Tokenizer]] = {
    kind.level: kind for kind in (Characters, Words, BytePairs)
}


def learn(
    texts: Iterable[str],
    level: Level,
    vocab: int | None = None,
    min_freq: int = 1,
    *,
    reserved: Sequence[str] = (UNKNOWN,),
    lower: bool = False,
    letters_only: bool = False,
    splits: Splits = "words",
) -> Tokenizer:
    """The tokenizer of these texts.

    Tokens of characters and words stand in sorted order: at most ``vocab`` with the ``reserved``
    ones, the most frequent first (of equally frequent, the first in sorted order), none rarer
    than ``min_freq`` (Dive into Deep Learning 9.2). Byte pairs are merged while they are found
    ``min_freq`` times, until there are ``vocab`` tokens (1,000 where it is not said).

    >>> learn(["hello"], "char", vocab=3).tokens
    ('<unk>', 'e', 'l')
    """
    if level == "bpe":
        return _learn_pairs(texts, vocab or PIECES, min_freq, reserved, lower, letters_only)
    first = tuple(sorted(reserved))
    bare: Tokenizer = (
        Characters(first, lower, letters_only)
        if level == "char"
        else Words(first, lower, letters_only, splits)
    )
    found = Counter(piece for text in texts for piece in bare.split(text))
    for token in reserved:
        del found[token]
    counts = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    kept = [token for token, count in counts if count >= min_freq]
    room = None if vocab is None else max(0, vocab - len(reserved))
    tokens = tuple(sorted({*reserved, *kept[:room]}))
    return Tokenizer.from_json({**bare.to_json(), "tokens": list(tokens)})


def _learn_pairs(
    texts: Iterable[str],
    vocab: int,
    min_freq: int,
    reserved: Sequence[str],
    lower: bool,
    letters_only: bool,
) -> BytePairs:
    """Byte pairs by the library ``tokenizers``; 256 single bytes come after the reserved ones."""
    marks = [token for token in reserved if token != UNKNOWN]  # no byte is unknown
    if vocab < BYTES + len(marks):
        least = BYTES + len(marks)
        fail("GF071", f"byte pairs need a vocabulary of {least} or more, not {vocab}",
             help="all single bytes are in it; level: char has but those of the text")  # fmt: skip
    learned = _byte_level()
    from tokenizers.pre_tokenizers import ByteLevel
    from tokenizers.trainers import BpeTrainer

    trainer = BpeTrainer(
        vocab_size=vocab,
        min_frequency=min_freq,
        initial_alphabet=ByteLevel.alphabet(),
        special_tokens=marks,
        show_progress=False,
    )
    prepare = Characters((), lower, letters_only).prepared
    learned.train_from_iterator((prepare(text) for text in texts), trainer)
    numbers = learned.get_vocab()
    tokens = tuple(sorted(numbers, key=lambda token: numbers[token]))
    merges = json.loads(learned.to_str())["model"]["merges"]
    return BytePairs(tokens, lower, letters_only, tuple((a, b) for a, b in merges))


def _byte_level() -> tokenizers.Tokenizer:
    """An empty byte-pair encoding that splits texts as GPT-2 does, and joins them without loss."""
    try:
        from tokenizers import Tokenizer as Library
        from tokenizers.decoders import ByteLevel as Decoder
        from tokenizers.models import BPE
        from tokenizers.pre_tokenizers import ByteLevel
    except ImportError:
        fail("GF076", "byte-pair encoding needs the package 'tokenizers'",
             help="pip install 'graphflow[text]'")  # fmt: skip
    made = Library(BPE())
    made.pre_tokenizer = ByteLevel(add_prefix_space=False)
    made.decoder = Decoder()
    return made


def _plain(value: object) -> Json:
    """Tuples as lists."""
    return [_plain(item) for item in value] if isinstance(value, tuple) else value  # type: ignore[return-value]


def _frozen(value: Json) -> object:
    """Lists as tuples."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
