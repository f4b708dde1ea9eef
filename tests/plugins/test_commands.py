"""Commands that plugins bring, and the group about plugins: listed without an import, refused where not allowed."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import click
import pytest
from bad_input.project import open_shop
from cast import WANG_FANG
from click.testing import CliRunner
from place import call

from unifier.cli import plugins as group

HELLO = """
open({trace!r}, "a").write("x")
import click
from unifier import hookimpl

@click.command()
@click.pass_obj
def hello(project):
    click.echo(f"hello {{project.name}}")

@hookimpl
def unifier_commands():
    return [hello]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with a plugin that has a command, written as pip would write it."""
    site = tmp_path / "site"
    info = site / "acme_hello-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-hello\nVersion: 1.0\n", encoding="utf-8")
    entries = "[unifier]\nhello = acme_hello\n[unifier.commands]\nhello = acme_hello\nbye = acme_hello\n"
    (info / "entry_points.txt").write_text(entries, encoding="utf-8")
    (site / "acme_hello.py").write_text(HELLO.format(trace=str(tmp_path / "imported")), encoding="utf-8")
    return site


def test_commands_are_listed_without_an_import(tmp_path: Path, site: Path) -> None:
    """A broken plugin must not break the list of the others."""
    told = call(open_shop(tmp_path / "shop", [WANG_FANG]), [site], "x")

    assert told.code == 0, told
    assert [line.split()[0] for line in told.out.splitlines() if "acme_hello" in line] == ["bye", "hello"]
    assert not (tmp_path / "imported").exists()


def test_a_command_is_given_the_project(tmp_path: Path, site: Path) -> None:
    """It works on the same project as all other commands."""
    told = call(open_shop(tmp_path / "shop", [WANG_FANG]), [site], "x", "hello")

    assert (told.code, told.out) == (0, "hello shop\n"), told


def test_a_command_that_its_plugin_does_not_have_is_told(tmp_path: Path, site: Path) -> None:
    """The entry point promises what the module does not hold."""
    told = call(open_shop(tmp_path / "shop", [WANG_FANG]), [site], "x", "bye")

    assert told.code == 4
    assert "plugin hello 1.0: it has no command 'bye'" in told.err


def test_a_command_of_a_plugin_that_is_not_allowed_is_never_imported(tmp_path: Path, site: Path) -> None:
    """The list of allowed plugins holds for commands, too."""
    shop = open_shop(tmp_path / "shop", [WANG_FANG])
    shop.configure(plugins={"allow": ["files"]})

    told = call(shop, [site], "x", "hello")

    assert told.code == 4
    assert "its plugin acme_hello is not allowed" in told.err
    assert not (tmp_path / "imported").exists()


@pytest.mark.parametrize("there", [True, False])
def test_commands_for_authors_are_listed_where_their_module_is(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    """An installation without the tools of authors must not offer them."""
    module = ModuleType("authors")
    module.__dict__["new"] = click.Command("new", callback=lambda: click.echo("made"))
    monkeypatch.setattr(group, "find_spec", lambda name: module if there and name == group.AUTHORS else None)
    monkeypatch.setattr(group, "import_module", lambda name: {group.AUTHORS: module}[name])

    listed = CliRunner().invoke(group.plugins, ["--help"]) if not there else None
    made = CliRunner().invoke(group.plugins, ["new"])

    assert (made.exit_code, made.output) == (0, "made\n") if there else made.exit_code == 2
    assert listed is None or "certify" not in listed.output
