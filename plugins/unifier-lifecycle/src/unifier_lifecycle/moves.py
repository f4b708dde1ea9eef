"""The command ``unifier x lifecycle``: print how many people moved from stage to stage."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
import duckdb

from unifier_lifecycle import STAGES

_MOVES = """
SELECT coalesce(gone.segment, 'life_'), coalesce(come.segment, 'life_'), count(*)
FROM (SELECT * FROM segment_events WHERE starts_with(segment, 'life_') AND NOT entered) gone
FULL JOIN (SELECT * FROM segment_events WHERE starts_with(segment, 'life_') AND entered) come
    ON gone.one_id = come.one_id AND gone.run_no = come.run_no
JOIN runs ON runs.run_no = coalesce(come.run_no, gone.run_no)
WHERE runs.as_of >= $since GROUP BY ALL
"""


@click.command()
@click.argument("warehouse", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), default="2000-01-01", help="Count from this day on.")
def lifecycle(warehouse: Path, since: datetime) -> None:
    """Print how many people moved from stage (down) to stage (across), of a published DuckDB WAREHOUSE.

    It reads a published file and nothing else, so it works during a run.
    """
    with duckdb.connect(str(warehouse), read_only=True) as con:
        try:
            rows = con.execute(_MOVES, {"since": since.date()}).fetchall()
        except duckdb.CatalogException:
            rows = None
    if rows is None:
        raise click.ClickException(f"{warehouse.name} has no segments: run `unifier run`")
    moves = {(gone.removeprefix("life_"), come.removeprefix("life_")): count for gone, come, count in rows}
    names = ["", *STAGES]
    click.echo(f"{'from, to':<10}" + "".join(f"{name or '(none)':>10}" for name in names))
    for gone in names:
        click.echo(f"{gone or '(none)':<10}" + "".join(f"{moves.get((gone, come), 0):>10,}" for come in names))
