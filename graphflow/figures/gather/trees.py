"""The tree of a beam search: what it kept, what it dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from graphflow.diagnostics import fail
from graphflow.figures.descriptions import Branch, Labels, Tree
from graphflow.figures.gather.material import Material
from graphflow.generation import Beam, Generated, generate
from graphflow.spec.figures import TreeDecl


def tree(decl: TreeDecl, material: Material, name: str) -> Tree:
    """The texts that a beam considered, each with log P; those that it found, with their scores."""
    plan = material.model.elaborated.generation
    assert plan is not None  # the file was refused otherwise
    beam = plan.strategy if isinstance(plan.strategy, Beam) else Beam(1)
    beam = replace(beam, width=decl.width or beam.width)
    made = generate(
        material.model, decl.prompt, given=decl.given, strategy=beam,
        considered=decl.count or 2 * beam.width,
    )  # fmt: skip
    tokenizer = material.model.tokenizer_of(plan.token)

    def word(token: int) -> str:
        if token < len(decl.names):
            return decl.names[token]
        if decl.names:
            fail("GF030", f"{len(decl.names)} names, but there is a token {token}", decl.mark)
        return str(token) if tokenizer is None else tokenizer.token(token)

    found = {c.tokens: f"{c.score:.3f}" for c in made.candidates}
    places = {b.tokens: place for place, b in enumerate(made.branches)}
    branches = [
        Branch(
            places.get(b.tokens[:-1], -1),
            f"{word(b.tokens[-1])} {b.log_probability:.2f}",
            f"{' '.join(map(word, b.tokens))}: log P = {b.log_probability:.4f}",
            _kind(b.tokens, b.kept, made),
            found.get(b.tokens, ""),
        )
        for b in made.branches
    ]
    note = (
        decl.about
        or f"log P of the text so far; at its end the score, log P / L^{beam.length_penalty:g}"
    )
    return Tree(branches, Labels(decl.title or name, "token", note=note))


def _kind(
    tokens: tuple[int, ...], kept: bool, made: Generated
) -> Literal["best", "kept", "dropped"]:
    if made.tokens[: len(tokens)] == tokens:
        return "best"
    return "kept" if kept else "dropped"
