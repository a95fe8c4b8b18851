"""What is wrong is answered with a diagnostic and exit code 2, whatever the command."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import graphflow.cli.app as app
from graphflow.cli.output import coloured, console
from graphflow.diagnostics import Diagnostic, Mark

BAD = sorted((Path(__file__).parent.parent / "examples" / "bad").glob("*.yaml"))
READERS = ("run", "check", "expand", "show", "step")
HEAD = "graphflow: 1\nname: t\n"


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_is_placed_to_the_column(cli, path):
    answer = cli("check", path, "--json")
    assert answer.code == 2
    places = [
        f"{path}:{e['line']}:{e['column']}: error {e['code']}: " for e in answer.json["errors"]
    ]
    assert places and all(place in answer.err for place in places)
    assert "^" in answer.err and "help: " in answer.err


@pytest.mark.parametrize("command", READERS)
def test_every_command_that_reads_a_file_refuses_it_alike(cli, command):
    answer = cli(command, BAD[0])
    assert answer.code == 2
    assert re.match(rf"{re.escape(str(BAD[0]))}:\d+:\d+: error GF\d+: ", answer.err)


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "GF001"),
        (b"\x00\xff\xfe\x80 junk", "GF001"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "GF001|GF002"),
        (b"", "GF002|GF012|GF013"),
        (b"a: [", "GF002"),
        (HEAD.encode() + b"nodes: {y: 9**9**9}", "GF004"),
        (b"a: &a [x]\nb: [*a, *a]", "GF003"),
        (b"[" * 100_000, "GF004"),
        (b"# " + b"x" * 2_000_000, "GF001|GF004"),
    ],
    ids=["missing", "binary", "png", "empty", "yaml", "power", "alias", "deep", "big"],
)
def test_what_is_no_graph_file(cli, tmp_path, command, content, code):
    path = tmp_path / "file.yaml"
    if content is not None:
        path.write_bytes(content)
    answer = cli(command, path)
    assert answer.code == 2
    assert re.search(f"error ({code}): ", answer.err)


@pytest.mark.parametrize("command", [c for c in READERS if c != "check"])
def test_a_folder_is_no_file(cli, tmp_path, command):
    answer = cli(command, tmp_path)
    assert answer.code == 2 and "is a folder" in answer.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fly"], "No such command 'fly'"),
        (["run", "--fly"], "--fly"),
        (["run", "mlp", "--epochs", "many"], "--epochs"),
        (["show"], "FILE"),
        (["explain"], "WHAT"),
        (["check"], "FILE"),
        (["run", "nlp"], "did you mean 'mlp'?"),
    ],
)
def test_a_wrong_command_line(cli, arguments, words):
    answer = cli(*arguments)
    assert answer.code == 2 and words in answer.err and "help: " in answer.err
    assert cli(*arguments, "--json").json["errors"][0]["severity"] == "error"


def test_help_and_version(cli):
    for arguments in ([], ["--help"], ["run", "--help"]):
        answer = cli(*arguments)
        assert answer.code == 0 and "Usage: graphflow" in answer.out
    assert re.fullmatch(r"graphflow \d+\.\d+\.\d+\n", cli("--version").out)


def test_trouble_with_the_machine_is_no_traceback(cli, monkeypatch):
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device", "metrics.jsonl")

    def empty(*arguments: object) -> None:
        raise MemoryError("Unable to allocate 3 TiB")

    for failing, words in ((full, "'metrics.jsonl': No space left"), (empty, "3 TiB")):
        monkeypatch.setattr("graphflow.cli.expand.open_model", failing)
        answer = cli("expand", "mlp")
        assert answer.code == 2 and words in answer.err


def test_diagnostics_are_coloured_on_a_terminal_only():
    text = coloured(Diagnostic("GF020", "unknown name 'x'", Mark("f.yaml", 1, 4, 1, "y: x")))
    assert [span.style for span in text.spans].count("bold red") == 2
    assert not console(stderr=True).is_terminal


def test_light_commands_load_nothing_heavy():
    code = (
        "import sys\nfrom graphflow.cli import main\n"
        "for line in (['--help'], ['run', '--help'], ['explain', 'GF020']):\n"
        "    try: main(line)\n"
        "    except SystemExit: pass\n"
        "import json; print(json.dumps(sorted(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    loaded = set(json.loads(answer.stdout.splitlines()[-1]))
    assert loaded.isdisjoint({"numpy", "yaml", "sklearn", "numba", "graphflow.api"})


def test_every_command_has_help():
    assert all(module.command.__doc__ for module in app.COMMANDS)
