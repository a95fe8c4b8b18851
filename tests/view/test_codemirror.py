from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "graphflow/view/widget/codemirror"
LICENCES = (FOLDER / "THIRD_PARTY_LICENSES.md").read_text("utf-8")


def test_the_built_file_is_the_one_that_the_licences_speak_of():
    built = hashlib.sha256((FOLDER / "built/editor.js").read_bytes()).hexdigest()
    assert f"`{built}`" in LICENCES


def test_every_bundled_package_is_named_with_its_version_and_its_licence_text():
    packages = json.loads((FOLDER / "package-lock.json").read_text("utf-8"))["packages"]
    bundled = {
        name.removeprefix("node_modules/"): entry
        for name, entry in packages.items()
        if name and not entry.get("dev")
    }
    assert "@codemirror/view" in bundled
    headings = {n for line in re.findall("^## (.*)$", LICENCES, re.M) for n in line.split(", ")}
    for name, entry in bundled.items():
        assert f"| {name} | {entry['version']} | {entry['license']} |" in LICENCES
    assert headings == set(bundled)
    assert LICENCES.count("Permission is hereby granted") == len(re.findall("^## ", LICENCES, re.M))


def test_versions_are_exact():
    package = json.loads((FOLDER / "package.json").read_text("utf-8"))
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())


@pytest.mark.parametrize("word", ["http://", "https://", "import("])
def test_the_built_file_fetches_nothing(word):
    text = (FOLDER / "built/editor.js").read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert word not in text
