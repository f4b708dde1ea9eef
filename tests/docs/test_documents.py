"""Documents that cannot lie: what they say is looked up in the code, and what the code has is looked up in them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
import pytest
from click.testing import CliRunner

from unifier import app, errors
from unifier.cli.main import COMMANDS, SUMMARIES, cli
from unifier.contract.documents import reference_page

ROOT: Final = Path(__file__).parents[2]
MACHINE: Final = re.compile(r"(?<![\w.])/(?:work|root|home)/")


def _classes(of: type[errors.UnifierError]) -> Iterator[type[errors.UnifierError]]:
    yield of
    for each in of.__subclasses__():
        yield from _classes(each)


def _keys(schema: Mapping[str, Any]) -> set[str]:
    """All keys that a schema names, of all depths; names that a user chooses are not among them."""
    found = set()
    for name, part in schema.get("properties", {}).items():
        found |= {name} | _keys(part)
    nested = [
        schema.get("items"),
        schema.get("additionalProperties"),
        *schema.get("anyOf", []),
        *schema.get("oneOf", []),
    ]
    for part in nested:
        if isinstance(part, Mapping):
            found |= _keys(part)
    return found


def test_the_page_of_the_schema_is_that_of_the_schemas() -> None:
    """Authors of connectors read the page; the checks read the schemas."""
    assert (ROOT / "docs" / "schema.md").read_text(encoding="utf-8") == reference_page()


def test_every_command_has_one_line_in_help_and_every_line_a_command() -> None:
    """Help is written from a table so that it is quick; the table must not drift from the commands."""
    assert list(SUMMARIES) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_table_says(name: str) -> None:
    """A command that cannot be imported is found here, not by an operator."""
    command = cli.get_command(click.Context(cli), name)

    assert command is not None
    assert command.name == name
    assert command.help


def test_every_exit_code_stands_in_the_help() -> None:
    """Schedulers act on the exit code: its meaning must be found without reading code."""
    text = CliRunner().invoke(cli, ["--help"]).output
    told = text[text.index("Exit codes:") : text.index("Options:")]
    codes = {str(each.exit_code) for each in _classes(errors.UnifierError)} | {"0", "130", "143"}

    assert codes <= set(re.findall(r"\b\d+\b", told))


def test_every_error_stands_in_the_tree_of_errors() -> None:
    """The tree in the docstring says who must act; an error that is not in it belongs to nobody."""
    tree = errors.__doc__ or ""

    missing = [each.__name__ for each in _classes(errors.UnifierError) if each.__name__ not in tree]
    assert missing == []


def test_the_readme_begins_with_two_commands() -> None:
    """A newcomer sees a result after two lines, or leaves."""
    blocks = re.findall(
        r"^```\w*\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )

    lines = [line for line in blocks[0].splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) == 2, lines


def test_every_key_of_the_configuration_is_documented() -> None:
    """A key that is not written down is a key that nobody uses."""
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    known = _keys(app.schema())
    told = set(re.findall(r"`([a-z_.]+)`", page)) | set(re.findall(r"^## (\w+)$", page, re.MULTILINE))

    missing = {key for key in known if not any(word.split(".")[-1] == key for word in told)}
    assert missing == set()
    sections = set(re.findall(r"^## (\w+)$", page, re.MULTILINE))
    assert sections == set(app.schema()["properties"])


def test_every_documented_key_is_one_of_the_configuration() -> None:
    """A documented key that is refused costs its reader an hour."""
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    told = {word.split(".")[-1] for word in re.findall(r"^\| `([a-z_.]+)` \|", page, re.MULTILINE)}

    assert told - _keys(app.schema()) == set()


def test_no_file_of_the_project_knows_the_machine_it_was_written_on() -> None:
    """Paths of one machine mean nothing on another."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a working copy of the repository")
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    assert "pyproject.toml" in names

    found = [
        f"{name}:{number}"
        for name in names
        for number, line in enumerate((ROOT / name).read_bytes().decode("utf-8", "replace").splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert found == []


def test_the_readmes_begin_with_the_same_two_commands() -> None:
    """Whoever reads Chinese gets the same start."""
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md"))

    assert english.split("```")[1] == chinese.split("```")[1]
