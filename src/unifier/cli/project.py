"""The commands around a project: init, sample, schema."""

from __future__ import annotations

import json
from pathlib import Path

import click

from unifier.words import KINDS

STARTER = """\
project: {name: %s, timezone: Asia/Shanghai, currency: CNY}

# A source per system. Its records have the shape of the contract: `unifier schema profile`.
# sources:
#   crm:
#     connector: files
#     config: {path: "in/crm/*.parquet"}
#     kind: profile

targets:
  warehouse: {url: "duckdb:///warehouse.duckdb"}
"""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--demo", is_flag=True, help="Fill it with an invented world, tags and segments.")
@click.option("--members", default=5_000, show_default=True, help="How many people the demo world has.")
@click.option("--seed", default=1, show_default=True, help="Another seed, another world.")
def init(folder: Path, demo: bool, members: int, seed: int) -> None:
    """Make a project in FOLDER (this folder if absent).

    \b
    unifier init shop            an empty project with a commented unifier.yaml
    unifier init --demo demo     a project that `unifier run` can run at once
    """
    from unifier.errors import UsageError

    config = folder / "unifier.yaml"
    if config.exists():
        raise UsageError(str(config), "it is there already", "choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    if demo:
        from unifier.sample import generate

        report = generate(members, seed, folder)
        _rules(folder)
        click.echo(
            f"{report.people:,} invented people in {folder}: {sum(report.rows.values()):,} records; now run `unifier -p {folder} run`"
        )
    else:
        config.write_text(STARTER % folder.resolve().name, encoding="utf-8")
        click.echo(f"{config}: name your sources there, then run `unifier run`")


def _rules(folder: Path) -> None:
    """Lay the starter tags and segments beside the configuration."""
    from importlib.resources import files

    for name in ("tags", "segments"):
        (folder / name).mkdir(exist_ok=True)
        text = files("unifier.sample").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
        (folder / name / "starter.yaml").write_text(text, encoding="utf-8")


@click.command()
@click.option("--members", required=True, type=click.IntRange(1, 10_000_000), help="How many people.")
@click.option("--seed", default=1, show_default=True, help="Another seed, another world.")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write.")
@click.option(
    "--format",
    "fmt",
    type=click.Choice(["parquet", "jsonl"]),
    default="parquet",
    show_default=True,
    help="Kind of files.",
)
def sample(members: int, seed: int, out: Path, fmt: str) -> None:
    """Generate an invented world of customers over eight systems, with the truth about it in OUT/truth.

    The same members and seed give the same bytes. `unifier -p OUT run` runs it.
    """
    from unifier.errors import UsageError
    from unifier.sample import generate

    if out.exists() and any(out.iterdir()):
        raise UsageError(str(out), "the folder is not empty", "name a new one")
    report = generate(members, seed, out, "jsonl" if fmt == "jsonl" else "parquet")
    _rules(out)
    click.echo(f"{report.people:,} people, {sum(report.rows.values()):,} records in {report.seconds:.1f} s: {out}")


@click.command()
@click.argument("name", type=click.Choice([*KINDS, "config", "events"]))
def schema(name: str) -> None:
    """Print the JSON Schema of a kind of record, of unifier.yaml (config), or of the lines of a run (events)."""
    if name == "config":
        from unifier import app

        document = app.schema()
    elif name == "events":
        from unifier.contract.kinds import document as read

        document = read("run_events")
    else:
        from unifier.contract.kinds import kind

        document = dict(kind(name).schema)
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
