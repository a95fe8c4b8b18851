from __future__ import annotations

import pytest

from graphflow.diagnostics import GraphflowError
from graphflow.view.uploads import uploaded


def test_what_was_sent_is_text():
    assert uploaded("a: λ\n".encode(), "a.yaml", 100) == "a: λ\n"


def test_a_large_file_is_refused_with_its_size_and_the_limit():
    with pytest.raises(GraphflowError, match=r"'a\.yaml' has 104,857,600 bytes, and at most 1,000"):
        uploaded(bytes(100 * 2**20), "a.yaml", 1000)


def test_bytes_that_are_no_text_are_told_with_their_place():
    with pytest.raises(GraphflowError) as caught:
        uploaded(b"a: 1\nb: \xff\n", "a.yaml", 100)
    (found,) = caught.value.diagnostics
    assert (found.code, found.mark.line, found.mark.column) == ("GF001", 2, 4)
