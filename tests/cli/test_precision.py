"""``--precision`` and what ``show`` says of it, and of products on a device."""

from __future__ import annotations

import json

import numpy as np

import graphflow as gf
from graphflow.runtime import asked


def test_a_run_is_begun_with_a_precision_and_keeps_it(cli, small, tmp_path):
    begun = cli("run", small, "--precision", "bf16", "--steps", 3, "--out", tmp_path / "r")
    assert begun.code == 0 and "takes longer than fp32" in begun.err
    assert json.loads((tmp_path / "r/run.json").read_text())["precision"] == "bf16"
    answer = cli("run", "--resume", tmp_path / "r", "--steps", 5, "--precision", "fp32")
    assert answer.code != 0 and "the run has precision bf16, not fp32" in answer.err
    assert cli("run", "--resume", tmp_path / "r", "--steps", 5).code == 0


def test_an_unknown_precision_is_refused(cli, small, tmp_path):
    answer = cli("run", small, "--precision", "bf61")
    assert answer.code != 0 and "GF033" in answer.err and "did you mean 'bf16'?" in answer.err
    assert not (tmp_path / "runs").exists()


def test_what_is_iterated_has_no_precision(cli):
    answer = cli("run", "line_search", "--precision", "bf16")
    assert answer.code != 0 and "GF033" in answer.err and "leave out --precision" in answer.err


def test_show_tells_the_types_of_the_fast_plan(cli, small):
    plain = cli("show", small, "--backward", "--schedule").out
    mixed = cli("show", small, "--backward", "--schedule", "--set", "train.precision=bf16").out
    assert "bfloat16[" in mixed and "bfloat16[" not in plain


def test_tf32_is_float32_on_a_processor_and_a_run_says_so(cli, small, tmp_path):
    losses = []
    for precision in ("fp32", "tf32"):
        folder = tmp_path / precision
        run = cli("run", small, "--precision", precision, "--steps", 3, "--out", folder)
        assert run.code == 0
        assert ("products are in float32 here" in run.err) == (precision == "tf32")
        losses.append(gf.load_run(folder).parameters)
    assert all(np.array_equal(losses[0][name], losses[1][name]) for name in losses[0])
    assert json.loads((tmp_path / "tf32/run.json").read_text())["precision"] == "tf32"


def test_show_tells_which_products_of_a_device_are_in_tf32(cli, monkeypatch):
    monkeypatch.setattr(asked, "missing", lambda: None)
    told = []
    for sets in ((), ("--set", "train.precision=tf32")):
        way = ("--backward", "--schedule", "--backend", "cupy", "--json")
        rows = cli("show", "lenet", *sets, *way).json["schedule"]
        told.append([row["kernel"] for row in rows if row["kernel"][:6] in ("cublas", "cudnn:")])
    plain, rounded = told
    assert rounded == [f"{by}, tf32" for by in plain] and len(plain) > 10


def test_show_tells_which_products_of_a_device_add_a_bias(cli):
    rows = cli("show", "mlp", "--backward", "--schedule", "--backend", "cupy", "--json").json
    told = [row["kernel"] for row in rows["schedule"] if row["op"] == "affine"]
    assert told and all(by.startswith("cublas: ") and "bias" in by for by in told)
    assert any(by.endswith(", bias, relu") for by in told)
