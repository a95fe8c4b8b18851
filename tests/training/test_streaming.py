"""Data larger than the memory that training may use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPT = """
import re, sys
import graphflow as gf
outcome = gf.train(gf.load(sys.argv[1], {"data.path": sys.argv[2]}), epochs=2)
assert outcome.progress.epoch == 2
print(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
"""
ARRAYS = """graphflow: 1
name: means of rows
inputs: {x: {shape: [B, 25000]}}
params: {w: {shape: [], init: zeros}}
nodes: {loss: 'mean((mean(x, axis=1) - w) ** 2)'}
data: {source: npy, path: data, batch: 64, transforms: [standardize(x)], feed: {x: x},
       split: {train: 0.9, test: 0.1}}
train: {minimize: loss, optimizer: sgd(0.1), epochs: 2}
"""
IMAGES = """graphflow: 1
name: means of images
inputs: {x: {shape: [B, 3, 256, 256]}}
params: {w: {shape: [], init: zeros}}
nodes: {loss: mean((mean(x) - w) ** 2)}
data: {source: images, path: data, batch: 32, feed: {x: random_horizontal_flip(to_float(image))}}
train: {minimize: loss, optimizer: sgd(0.1), epochs: 2}
"""


def peak_memory(file: Path, data: Path) -> int:
    """The most memory, in bytes, that training on a folder of data held at any moment."""
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, str(file), str(data)]
    done = subprocess.run(command, env=here, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) * 1024


def arrays(folder: Path, rows: int) -> None:
    shape = (rows, 25_000)
    array = np.lib.format.open_memmap(folder / "x.npy", mode="w+", dtype=np.float32, shape=shape)
    array[:, 0] = np.arange(rows)
    array.flush()


def images(folder: Path, rows: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "0.jpg")
    for row in range(1, rows):
        os.link(folder / "0.jpg", folder / f"{row}.jpg")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize(
    ("text", "make", "few", "many", "bytes_of_a_row"),
    [(ARRAYS, arrays, 256, 6000, 100_000), (IMAGES, images, 256, 2200, 3 * 256 * 256)],
    ids=["arrays", "images"],
)
def test_memory_does_not_grow_with_the_data(
    tmp_path: Path, text: str, make, few: int, many: int, bytes_of_a_row: int
) -> None:
    (tmp_path / "model.yaml").write_text(text)
    peaks = []
    for name, rows in (("small", few), ("large", many)):
        (tmp_path / name).mkdir()
        make(tmp_path / name, rows)
        peaks.append(peak_memory(tmp_path / "model.yaml", tmp_path / name))
    larger = (many - few) * bytes_of_a_row
    assert larger > 350e6
    assert peaks[1] - peaks[0] < 0.2 * larger
