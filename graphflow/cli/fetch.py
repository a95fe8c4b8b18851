"""``graphflow fetch``: download what a source or a layer reads before it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from graphflow.cli.output import GOOD, print_json
from graphflow.cli.source import AsJson
from graphflow.diagnostics import did_you_mean, fail

if TYPE_CHECKING:
    from graphflow.data.files import Remote

NAME = "fetch"


def command(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME...", help="Data sources, files of one, published weights."),
    ],
    tokens: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Of word vectors, those of this file's vocabulary."),
    ] = None,
    column: Annotated[str, typer.Option(help="The column whose vocabulary it is.")] = "tokens",
    out: Annotated[
        Path, typer.Option(metavar="PATH", help="With --tokens: the weights file to write.")
    ] = Path("vectors.safetensors"),
    as_json: AsJson = False,
) -> int:
    """Download the files of data sources (mnist), one of them (glove/6b.100d), or published weights
    (torchvision/resnet18); say where they are. What broke off goes on.
    """
    if tokens is not None:
        return _vectors(names, tokens, column, out, as_json)
    wanted = {name: _known(name) for name in names}
    found = {name: _obtained(name, files) for name, files in wanted.items()}
    if as_json:
        print_json({name: [str(path) for path in paths] for name, paths in found.items()})
        return GOOD
    for name, paths in found.items():
        print("\n".join(f"{name}: {path}" for path in paths) or f"{name}: needs no file")
    return GOOD


def _vectors(names: list[str], file: str, column: str, out: Path, as_json: bool) -> int:
    """Write the vectors of a vocabulary as the weights of an embedding."""
    from graphflow.cli.source import open_model
    from graphflow.data.vectors import VECTORS, vectors_of
    from graphflow.interop.formats import must_be_free
    from graphflow.runtime.state_dict import save_state

    known = {f"glove/{name}": name for name in VECTORS}
    if len(names) != 1 or names[0] not in known:
        offer = f"one of {', '.join(known)}"
        fail("GF006", "--tokens goes with the name of word vectors",
             help=did_you_mean(names[0], known) or offer)  # fmt: skip
    must_be_free([out], force=False)
    model = open_model(file, {})
    vocabularies = model.tokenizers
    if column not in vocabularies:
        offer = f"columns with one are {', '.join(vocabularies) or 'none'}: --column NAME"
        fail("GF071", f"the data of '{file}' has no vocabulary for a column '{column}'", help=offer)
    words = vocabularies[column].tokens
    matrix, count = vectors_of(words, known[names[0]])
    save_state({"weight": matrix}, out)
    if as_json:
        print_json({"file": str(out), "tokens": len(words), "known": count})
    else:
        print(f"wrote {out}: weight {list(matrix.shape)}, {count:,} of {len(words):,} tokens have "
              "a vector, the others zeros")  # fmt: skip
    return GOOD


def _known(name: str) -> tuple[Remote, ...]:
    """The files that go by a name; those of weights are converted apart."""
    from graphflow.data.pretrained import PRETRAINED
    from graphflow.data.registry import sources
    from graphflow.data.vectors import VECTORS

    if name in PRETRAINED:
        return ()
    source, _, file = name.partition("/")
    known = sources()
    if source not in known:
        _unknown(name)
    if not file:
        return known[source].files
    files = VECTORS if source == "glove" else {Path(r.file).name: r for r in known[source].files}
    if file not in files:
        offer = did_you_mean(file, files) or f"its files are {', '.join(files) or 'none'}"
        fail("GF070", f"data source '{source}' has no file '{file}'", help=offer)
    return (files[file],)


def _unknown(name: str) -> NoReturn:
    from graphflow.data.pretrained import PRETRAINED
    from graphflow.data.registry import sources

    names = [*(n for n, source in sources().items() if source.files), *PRETRAINED]
    fail("GF070", f"there is no data source and there are no weights '{name}'",
         help=did_you_mean(name, names) or f"one of {', '.join(names)}")  # fmt: skip


def _obtained(name: str, files: tuple[Remote, ...]) -> list[Path]:
    from graphflow.data.files import obtain_file
    from graphflow.data.pretrained import PRETRAINED, obtain_weights

    if name in PRETRAINED:
        return [obtain_weights(name)]
    return [remote.unpacked() or obtain_file(remote) for remote in files]
