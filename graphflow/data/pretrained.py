"""Published weights of nets, as safetensors files: ``weights: torchvision/resnet18``.

torchvision publishes files that PyTorch pickled. They are downloaded as data sets are, read without
unpickling, and kept in the cache as safetensors under the same names of parameters.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graphflow.data.files import Remote, data_folders, obtain_file
from graphflow.data.torch_file import read_torch
from graphflow.diagnostics import fail
from graphflow.files import cache_folder, write_atomically

ADDRESS = "https://download.pytorch.org/models/"
PRETRAINED = {
    f"torchvision/{name}": Remote(
        file, f"{ADDRESS}{file}", f"sha256:{file.rpartition('-')[2].removesuffix('.pth')}", size,
        "weights: none, which leaves a layer to its initialisers",
    )
    for name, file, size in (
        ("resnet18", "resnet18-f37072fd.pth", 46_830_571),
        ("resnet34", "resnet34-b627a593.pth", 87_319_819),
        ("resnet50", "resnet50-0676ba61.pth", 102_530_333),
        ("vgg16", "vgg16-397923af.pth", 553_433_881),
        ("vgg19", "vgg19-dcbb9e9d.pth", 574_673_361),
    )
}  # fmt: skip
"""By name. The digits in a file's name are the first eight of its SHA-256; no more is published."""


def converted(name: str) -> Path | None:
    """Where the safetensors file of published weights is; None where it has yet to be made."""
    file = f"{PRETRAINED[name].file.removesuffix('.pth')}.safetensors"
    paths = [folder / file for folder in (*data_folders(), cache_folder() / "weights")]
    return next((path for path in paths if path.is_file()), None)


def obtain_weights(name: str) -> Path:
    """The safetensors file of published weights: of the user's folder, of the cache, or made from
    the published file, which is downloaded where it is not here.

    GF072 and GF073 as for data; GF077 where the file is no state dict.
    """
    here = converted(name)
    if here is not None:
        return here
    remote = PRETRAINED[name]
    source = obtain_file(remote)
    arrays = {key: np.ascontiguousarray(array) for key, array in read_torch(source).items()}
    from safetensors.numpy import save

    target = cache_folder() / "weights" / f"{source.stem}.safetensors"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, save(arrays, {"format": "pt", "source": remote.url}))
        if source.parent == cache_folder():  # the same numbers once are enough
            source.unlink()
    except OSError as error:
        fail("GF007", f"'{target}' could not be written: {error.strerror}")
    return target
