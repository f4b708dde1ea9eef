"""The command ``unifier x rfm``: print how many buyers stand in each square of recency and frequency."""

from __future__ import annotations

from pathlib import Path

import click
import duckdb

from unifier_rfm import GROUPS


@click.command()
@click.argument("warehouse", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def rfm(warehouse: Path) -> None:
    """Print the RFM grid of a published DuckDB WAREHOUSE: buyers by recency and frequency, and the eight groups.

    It reads a published file and nothing else, so it works during a run.
    """
    with duckdb.connect(str(warehouse), read_only=True) as con:
        try:
            squares = dict(_counted(con, "(rfm_r, rfm_f)"))
            groups = dict(_counted(con, "rfm_group"))
        except duckdb.CatalogException:
            squares = None
        except duckdb.BinderException:
            squares = None
    if squares is None:
        raise click.ClickException(f"{warehouse.name} has no RFM tags: name rfm in plugins.use and run `unifier run`")
    click.echo("\n".join([*_grid(squares), "", *_groups(groups)]))


def _counted(con: duckdb.DuckDBPyConnection, what: str) -> list[tuple[object, int]]:
    return con.execute(
        f"SELECT {what} AS what, count(*) FROM member_tags WHERE rfm_group IS NOT NULL GROUP BY ALL"
    ).fetchall()


def _grid(squares: dict[object, int]) -> list[str]:
    """Write the grid, the most recent and the most frequent at the upper right."""
    size = max((max(square) for square in squares if isinstance(square, tuple)), default=1)
    scores = range(1, size + 1)
    rows = [f"R {r} " + "".join(f"{squares.get((r, f), 0):>10,}" for f in scores) for r in reversed(scores)]
    return [*rows, "    " + "".join(f"{f'F {f}':>10}" for f in scores)]


def _groups(groups: dict[object, int]) -> list[str]:
    total = sum(groups.values()) or 1
    return [
        f"{zh} {name:<18}{groups.get(name, 0):>10,} {groups.get(name, 0) / total:>6.1%}"
        for name, (zh, _, _) in GROUPS.items()
    ]
