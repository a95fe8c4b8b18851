"""``graphflow generate``: a text from a trained model, or from a file as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphflow.cli.output import GOOD, print_json, say
from graphflow.cli.source import AsJson, MaxNodes, Sets, assignments, names_a_run, open_model
from graphflow.diagnostics import GraphflowError, fail

if TYPE_CHECKING:
    from graphflow.generation import Generated, Strategy
    from graphflow.model import Model
    from graphflow.ops.op import Array
    from graphflow.training.loop import Loop

NAME = "generate"


def command(
    source: Annotated[
        str, typer.Argument(metavar="RUN_OR_FILE", help="A run's folder, a path, or a name.")
    ],
    prompt: Annotated[
        str | None, typer.Option("--prompt", "-p", metavar="TEXT", help="What is continued.")
    ] = None,
    length: Annotated[int | None, typer.Option(min=0, help="Tokens at most.")] = None,
    greedy: Annotated[
        bool, typer.Option("--greedy", help="The most probable token every time.")
    ] = False,
    temperature: Annotated[float | None, typer.Option(help="Sample; below 1 is bolder.")] = None,
    top_k: Annotated[int | None, typer.Option(help="Sample among the K most probable.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Sample among the nucleus of P.")] = None,
    beam: Annotated[int | None, typer.Option(metavar="N", help="Search with N texts.")] = None,
    length_penalty: Annotated[
        float | None, typer.Option(help="A beam's: log P / L^PENALTY, 0.75.")
    ] = None,
    stop: Annotated[str | None, typer.Option(help="The token that ends a text.")] = None,
    feed: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=TEXT", help="Another input: a text, numbers, @file."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn.")] = 0,
    sets: Sets = None,
    max_nodes: MaxNodes = None,
    as_json: AsJson = False,
) -> int:
    """Generate text as the file's generate: section says; what the options say goes before it."""
    from graphflow.generation import generate

    model = opened(source, assignments(sets), max_nodes)
    strategy = chosen(model, greedy, (temperature, top_k, top_p), (beam, length_penalty))
    made = generate(
        model,
        prompt,
        given=given(model, feed or ()),
        strategy=strategy,
        length=length,
        stop=stop,
        seed=seed,
        on_text=None if as_json else lambda piece: print(piece, end="", flush=True),
    )
    if made.unknown:
        lacking = ", ".join(map(repr, made.unknown[:10]))
        say(f"note: the vocabulary lacks {lacking}: <unk> stands for them")
    if as_json:
        print_json(_as_json(made))
    else:
        print("" if _told(model, strategy) else made.text)
    return GOOD


def opened(source: str, overrides: Mapping[str, str], max_nodes: int | None) -> Model:
    """The trained model of a run's folder, or a file as it is."""
    model = open_model(source, overrides, max_nodes)
    if not names_a_run(source):
        say(f"note: nothing here is trained; 'graphflow run {source}' writes a run to generate "
            "from")  # fmt: skip
    return model


def chosen(
    model: Model,
    greedy: bool,
    sampling: tuple[float | None, int | None, float | None],
    searching: tuple[int | None, float | None],
) -> Strategy | None:
    """The strategy that options ask for; None where they ask for none."""
    from graphflow.generation import Beam, Greedy, Sample

    names = ("temperature", "top_k", "top_p")
    drawn = {n: v for n, v in zip(names, sampling, strict=True) if v is not None}
    width, penalty = searching
    ways = [greedy, bool(drawn), width is not None or penalty is not None]
    if sum(ways) > 1:
        fail("GF006", "several strategies are asked for",
             help="--greedy, or --temperature, --top-k and --top-p, or --beam")  # fmt: skip
    plan = model.elaborated.generation
    declared = None if plan is None else plan.strategy
    strategy: Strategy | None = Greedy() if greedy else None
    if drawn:
        base = declared if isinstance(declared, Sample) else Sample()
        strategy = replace(base, **drawn)  # type: ignore[arg-type]
    elif ways[2]:
        known = declared if isinstance(declared, Beam) else None
        if width is None and known is None:
            fail("GF006", "--length-penalty is a beam's", help="give --beam N, too")
        given = {n: v for n, v in (("width", width), ("length_penalty", penalty)) if v is not None}
        strategy = replace(known or Beam(1), **given)  # type: ignore[arg-type]
    return strategy


def given(model: Model, texts: Sequence[str]) -> dict[str, str | Array]:
    """``--feed``: texts for inputs that data feeds with text, numbers for others."""
    from graphflow.cli.feeding import given_feed
    from graphflow.generation.texts import known

    found: dict[str, str | Array] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if equals:
            known(model.graph, name.strip())
        if equals and value[:1] != "@" and model.tokenizer_of(name.strip()) is not None:
            found[name.strip()] = value
        else:
            found |= given_feed([text])
    return found


def show_sample(training: Loop, path: Path) -> None:
    """One line that a trained model writes, where its file says how."""
    from graphflow.api import load_run
    from graphflow.generation import generate

    if training.trainer.elaborated.generation is None:
        return
    try:
        text = generate(load_run(path)).text
    except GraphflowError as error:  # the training is done all the same
        say(f"note: nothing was generated: {error.diagnostics[0].message}")
        return
    print(f"generated: {' '.join(text.split())}")


def _told(model: Model, strategy: Strategy | None) -> bool:
    """Whether the text has been printed as it came."""
    from graphflow.generation import Beam

    plan = model.elaborated.generation
    return not isinstance(strategy or (plan and plan.strategy), Beam)


def _as_json(made: Generated) -> dict[str, object]:
    return {
        "text": made.text,
        "prompt": list(made.prompt),
        "tokens": list(made.tokens),
        "log_probability": made.log_probability,
        "finished": made.finished,
        "unknown": list(made.unknown),
        "candidates": [
            {
                "text": c.text,
                "tokens": list(c.tokens),
                "log_probability": c.log_probability,
                "finished": c.finished,
                "score": c.score,
            }
            for c in made.candidates
        ],
    }
