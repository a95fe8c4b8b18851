"""CIFAR-10 from its binary files (Krizhevsky 2009)."""

from __future__ import annotations

import numpy as np

from graphflow.data.archive import opened
from graphflow.data.dataset import Dataset
from graphflow.data.files import Remote
from graphflow.data.registry import register
from graphflow.data.tokenizers import Words
from graphflow.diagnostics import fail

CIFAR10 = Remote(
    "cifar-10-binary.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "md5:c32a1d4ab5d03f1284b67883e8d87530",
    size=170_052_171,
    instead="source: digits, or digit_scenes",
    top="cifar-10-batches-bin",
)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship",
           "truck")  # fmt: skip
PARTS = {
    "train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    "test": ("test_batch.bin",),
}
RECORD = 1 + 3 * 32 * 32
"""Bytes of an image: its label, then red, green and blue in rows."""


@register(
    "cifar10",
    columns={"image": "uint8 (N, 3, 32, 32), 0 to 255", "label": "int64 (N,), 0 to 9"},
    files=[CIFAR10],
)
def cifar10() -> Dataset:
    """Colour images of 32 x 32 pixels in ten classes (CIFAR-10): 50,000 to train, 10,000 to test.

    From the binary version of the set, in which nothing is pickled: the archive, or the folder
    cifar-10-batches-bin/ that it unpacks to. The classes are airplane, automobile, bird, cat, deer,
    dog, frog, horse, ship, truck. Krizhevsky 2009; Dive into Deep Learning 14.1.
    """
    wanted = {name for names in PARTS.values() for name in names}
    with opened(CIFAR10) as members:
        found = dict(members.contents(wanted.__contains__))
        for name in sorted(wanted - set(found)):
            members.read(name)  # says that it is not there
    records = [_records(found[name], name) for names in PARTS.values() for name in names]
    counts = [sum(len(_records(found[name], name)) for name in names) for names in PARTS.values()]
    everything = np.concatenate(records)
    label = everything[:, 0].astype(np.int64)
    image = everything[:, 1:].reshape(-1, 3, 32, 32)
    rows = np.arange(len(label))
    return Dataset(
        "cifar10",
        {"image": image, "label": label},
        f"CIFAR-10: {counts[0]:,} train and {counts[1]:,} test images of 32 x 32 pixels",
        splits={"train": rows[: counts[0]], "test": rows[counts[0] :]},
        tokenizers={"label": Words(CLASSES)},
    )


def _records(content: bytes, name: str) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """The images of a file as rows (N, 3073) of label and pixels."""
    if not content or len(content) % RECORD:
        fail("GF073", f"'{name}' holds {len(content):,} bytes, not images of {RECORD:,} bytes each")
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    if records[:, 0].max() > 9:
        fail("GF073", f"'{name}' holds a label that is not 0 to 9")
    return records
