"""The commands for authors of plugins: new, certify."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from unifier.cli.templates import KINDS

if TYPE_CHECKING:
    from unifier.plugins import Plugin

_TEST: Final = '''\
"""The kit, applied to an installed plugin."""

import json
from pathlib import Path

from unifier.plugins import connector_of
from unifier.testing import ConnectorTests

GIVEN = json.loads(Path(__file__).with_name("given.json").read_text(encoding="utf-8"))


class TestPlugin(ConnectorTests):
    connector = connector_of(GIVEN["plugin"], GIVEN["connector"])
    config = GIVEN["config"]
    settings = GIVEN["settings"]
    timezone = GIVEN["timezone"]
    folder = GIVEN["folder"]
    deadline = GIVEN["deadline"]
'''


@click.command("new")
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), default="connector", show_default=True, help="What the plugin is.")
@click.option("--dir", "parent", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Where to.")
def new(name: str, kind: str, parent: Path) -> None:
    """Write a plugin package unifier-NAME whose tests pass at once.

    \b
    unifier plugins new loyalty               reads files of JSON lines
    unifier plugins new loyalty --kind http   reads an API, tested against an emulator of it
    """
    from unifier.cli.templates import write

    folder = write(name, kind, parent)
    click.echo(f"{folder}: make it yours in src/, then in README.md")
    click.echo(f"pip install -e '{folder}[test]' && pytest {folder}")
    click.echo(f"unifier plugins certify {name}" if _is_read(kind) else "unifier plugins")


def _is_read(kind: str) -> bool:
    return kind in {"connector", "http", "database"}


@dataclass(frozen=True, slots=True)
class Given:
    """What is certified, and how it is configured."""

    plugin: Mapping[str, str]
    distribution: str
    connector: str
    folder: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    timezone: str = ""


@click.command("certify")
@click.argument("name")
@click.option("--source", "-s", help="A source of unifier.yaml that reads a test system.")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A YAML file with what stands under a source: config, perhaps connector, timezone, kind.",
)
@click.option("--deadline", default=60.0, show_default=True, help="Seconds that one reading may take.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, not Markdown.")
@click.pass_obj
def certify(project: Path, name: str, source: str | None, file: Path | None, deadline: float, as_json: bool) -> int:
    """Prove the connector of plugin NAME with the conformance kit and print a report to hand on.

    The system is read up to a hundred times, and queues are emptied: name a test system, never a live one. Exit code 0 says
    that nothing failed.

    \b
    unifier plugins certify loyalty --source loyalty_test > loyalty.md
    unifier plugins certify loyalty --config test.yaml --json
    """
    from unifier.errors import PluginError, UsageError

    if (source is None) == (file is None):
        raise UsageError("certify", "it needs either --source or --config", "name a test system")
    if find_spec("pytest") is None:
        raise PluginError("certify", "pytest is not installed", "pip install 'unifier[testing]'")
    given = _of_source(project, name, source) if source is not None else _of_file(name, file or Path())
    report = _report(given, name, _proved(given, deadline))
    click.echo(json.dumps(report, ensure_ascii=False, indent=1) if as_json else _markdown(report))
    return 0 if report["verdict"] == "passed" else 1


def _plugin(name: str) -> Plugin:
    from unifier.plugins import shelf

    return shelf().take(name.removeprefix("unifier-"))


def _of_source(project: Path, name: str, source: str) -> Given:
    """Take a source of the project."""
    from unifier import app
    from unifier.errors import UsageError

    one = app.project(project)
    ready = app.one_source(one, source)
    if ready.error:
        raise ready.error
    plugin = app.shelf(one).take(name.removeprefix("unifier-"))
    if ready.plugin["name"] != plugin.name:
        raise UsageError(
            f"--source {source}", f"plugin {ready.plugin['name']} reads it, not {plugin.name}", "name that plugin"
        )
    return Given(
        ready.plugin, plugin.distribution, ready.connector, ready.folder, ready.config, ready.settings, ready.zone
    )


def _of_file(name: str, file: Path) -> Given:
    """Take a file that holds what stands under a source."""
    from unifier.app.settings import resolved
    from unifier.config import load

    plugin = _plugin(name)
    entry = load(file)
    connector, schema = _connector(plugin, entry.data.get("connector"))
    config, _ = resolved(entry, ("config",), entry.data.get("config") or {}, schema)
    zone = str(entry.data.get("timezone", ""))
    folder = file.parent.resolve()
    return Given(plugin.told, plugin.distribution, connector, folder, config, entry.data, zone)


def _connector(plugin: Plugin, named: Any) -> tuple[str, Mapping[str, Any]]:
    """Find the connector that is meant, and its schema; the plugin is looked at in a process of its own."""
    from unifier.errors import PluginError, UsageError
    from unifier.plugins import Interview, Record

    with Interview(plugin, Record(), Path()) as talk:
        described = talk.description()
    if described.fault:
        raise PluginError(plugin.label, described.fault, described.mend)
    known = sorted(described.connectors)
    name = str(named) if named else known[0] if len(known) == 1 else ""
    if name not in known:
        raise UsageError(plugin.label, f"it offers {', '.join(known) or 'no connector'}", "name one as `connector:`")
    return name, described.connectors[name]["schema"]


def _proved(given: Given, deadline: float) -> list[dict[str, Any]]:
    """Run the kit in a process of its own; what is given to it lies in a folder that only its owner can read."""
    from unifier.errors import PluginError

    with tempfile.TemporaryDirectory(prefix="unifier-certify-") as place:
        folder = Path(place)
        told = {
            "plugin": dict(given.plugin),
            "connector": given.connector,
            "config": dict(given.config),
            "settings": dict(given.settings),
            "timezone": given.timezone,
            "folder": str(given.folder),
            "deadline": deadline,
        }
        (folder / "given.json").write_text(json.dumps(told, default=str), encoding="utf-8")
        (folder / "test_plugin.py").write_text(_TEST, encoding="utf-8")
        options = ["-q", "-p", "no:cacheprovider", "-p", "unifier.testing.pytest_plugin", "-c", os.devnull]
        command = [*options, f"--rootdir={folder}", "--unifier-report", str(folder / "report.json"), str(folder)]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *command],
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        report = folder / "report.json"
        proved: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8")) if report.exists() else []
    if not proved:
        fault = f"the kit could not begin (pytest left with {done.returncode})"
        raise PluginError(f"plugin {given.plugin['name']}", fault, f"`unifier try` with connector {given.connector}")
    return proved


def _report(given: Given, name: str, proved: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put a report together; what the kit says may repeat the config, so secrets and people are taken out."""
    from unifier import __version__
    from unifier.redaction import Redaction

    clean = Redaction(_texts(given.config))
    figures: dict[str, Any] = {}
    for one in proved:
        figures |= one["figures"]
    failed = sum(one["outcome"] == "failed" for one in proved)
    return {
        "plugin": name.removeprefix("unifier-"),
        "distribution": given.distribution,
        "version": given.plugin["version"],
        "connector": given.connector,
        "unifier": __version__,
        "date": datetime.now(UTC).date().isoformat(),
        "verdict": "failed" if failed else "passed",
        "counts": {
            outcome: sum(one["outcome"] == outcome for one in proved)
            for outcome in ("passed", "failed", "not applicable")
        },
        "figures": figures,
        "properties": [
            {key: clean(one[key]) for key in ("property", "outcome", "sentence", "detail")} for one in proved
        ],
    }


def _texts(config: Any) -> list[str]:
    """List the texts of a config: any of them may be a secret."""
    if isinstance(config, str):
        return [config]
    parts = config.values() if isinstance(config, Mapping) else config if isinstance(config, list) else ()
    return [text for part in parts for text in _texts(part)]


def _markdown(report: Mapping[str, Any]) -> str:
    counts = report["counts"]
    figures = " · ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in report["figures"].items())
    lines = [
        f"# Connector {report['connector']}: {report['verdict']}",
        "",
        f"{report['distribution']} {report['version']} with unifier {report['unifier']}, {report['date']}: "
        + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()),
        "",
        *([figures, ""] if figures else []),
        "| property | outcome | what it means |",
        "|---|---|---|",
    ]
    for one in report["properties"]:
        said = one["detail"] if one["outcome"] != "passed" and one["detail"] else one["sentence"]
        cells = (one["property"].replace("_", " "), one["outcome"], " ".join(said.split()).replace("|", "\\|"))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
