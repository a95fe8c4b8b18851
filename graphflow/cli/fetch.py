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
    as_json: AsJson = False,
) -> int:
    """Download the files of data sources (mnist), one file (glove/glove.6B.50d.zip), or published
    weights (torchvision/resnet18); say where they are. What broke off goes on.
    """
    wanted = {name: _known(name) for name in names}
    found = {name: _obtained(name, files) for name, files in wanted.items()}
    if as_json:
        print_json({name: [str(path) for path in paths] for name, paths in found.items()})
        return GOOD
    for name, paths in found.items():
        print("\n".join(f"{name}: {path}" for path in paths) or f"{name}: needs no file")
    return GOOD


def _known(name: str) -> tuple[Remote, ...]:
    """The files that go by a name; those of weights are converted apart."""
    from graphflow.data.pretrained import PRETRAINED
    from graphflow.data.registry import sources

    if name in PRETRAINED:
        return ()
    source, _, file = name.partition("/")
    known = sources()
    if source not in known:
        _unknown(name)
    files = {Path(remote.file).name: remote for remote in known[source].files}
    if not file:
        return tuple(files.values())
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
