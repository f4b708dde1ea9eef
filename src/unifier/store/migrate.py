"""Bring an older store to the version of this unifier, on a copy, so that a failure leaves the old one as it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb

from unifier.contract.arrow import landing_schema
from unifier.errors import StoreError
from unifier.store.arrowfile import batch_file, write
from unifier.tables import quoted

SCHEMA_VERSION: Final = 3
"""Version of the tables this unifier writes."""


def _from_1(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Version 1 had no node list for ended persons, so that nothing could be revived."""
    del folder
    con.execute(
        "CREATE TABLE IF NOT EXISTS person_end "
        "(person_no INTEGER, node_no INTEGER, anchors INTEGER, money BIGINT, records INTEGER, run_no INTEGER)"
    )


def _from_2(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Version 2 kept what had landed, and what was held, in a table per kind and source."""
    names = {"landed": "landing_{}_{}", "held": "held_{}_{}"}
    batches = con.execute(
        "SELECT batch_no, kind, source_no, state FROM batch WHERE state IN ('landed', 'held') AND landed > 0"
    ).fetchall()
    for batch_no, kind, source_no, state in batches:
        table = names[state].format(kind, source_no)
        rows = con.sql(
            f"SELECT *, {source_no} AS source_no FROM {quoted(table)} WHERE batch_no = {batch_no} ORDER BY landed_no"
        ).to_arrow_table()
        schema = landing_schema(kind)
        write(batch_file(folder / "landing", batch_no), rows.select(schema.names).cast(schema))
    for table in {names[state].format(kind, source_no) for _, kind, source_no, state in batches}:
        con.execute(f"DROP TABLE {quoted(table)}")


MIGRATIONS: Final[dict[int, Callable[[duckdb.DuckDBPyConnection, Path], None]]] = {1: _from_1, 2: _from_2}
"""Version to leave, and the change that leaves it."""


def version_of(con: duckdb.DuckDBPyConnection) -> int | None:
    """Read the version of a store, None when it holds no tables yet."""
    known = con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'store_meta'").fetchone()
    if not known or not known[0]:
        return None
    row = con.execute("SELECT value FROM store_meta WHERE name = 'schema_version'").fetchone()
    return int(row[0]) if row else None


def migrate(path: Path) -> None:
    """Migrate the store file if it is older; raise StoreError if it is newer than this unifier."""
    if not path.exists():
        return
    with duckdb.connect(str(path)) as con:
        version = version_of(con)
    if version is None or version == SCHEMA_VERSION:
        return
    if version > SCHEMA_VERSION:
        raise StoreError(
            str(path),
            f"it was written by a newer unifier (store version {version}, this one knows {SCHEMA_VERSION})",
            "upgrade unifier",
        )
    copy = path.with_suffix(".migrating")
    shutil.copyfile(path, copy)
    with duckdb.connect(str(copy)) as con:
        for step in range(version, SCHEMA_VERSION):
            MIGRATIONS[step](con, path.parent)
        con.execute("UPDATE store_meta SET value = ? WHERE name = 'schema_version'", [str(SCHEMA_VERSION)])
    path.replace(path.with_suffix(f".v{version}"))
    copy.replace(path)
