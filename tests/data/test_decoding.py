from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from graphflow.data.decoding import decoded


def test_sixteen_bits_become_the_upper_eight(tmp_path: Path) -> None:
    ramp = (np.arange(256, dtype=np.uint16) * 256 + 99).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    found = decoded(tmp_path / "deep.png", "deep.png", "L")
    assert np.array_equal(found, np.arange(256).reshape(16, 16))


def test_an_image_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    pixels = np.zeros((8, 16), dtype=np.uint8)
    pixels[:, 8:] = 255
    turned = Image.Exif()
    turned[0x0112] = 6  # the top of the picture is its right side
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=turned, quality=95)
    found = decoded(tmp_path / "turned.jpg", "turned.jpg", "L")
    assert found.shape == (16, 8)
    assert found[:7].max() < 30 and found[9:].min() > 225
